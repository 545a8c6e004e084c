#!/usr/bin/env python3
"""An executor of the kind `resize`: takes tasks, shows that it is alive, says how they ended.

CALLSHEET_SOCKET names a store's api.sock; else CALLSHEET_URL (http://127.0.0.1:8080) and CALLSHEET_TOKEN say where to.
TERM: the task in hand is finished, no other one taken. Any death loses nothing: what was in hand comes back.
"""
import http.client, json, os, signal, socket, sys, threading, time
from urllib.parse import urlsplit

KIND, BATCH, NAME = "resize", 2, f"python {os.getpid()}"
HEARTBEAT = float(os.environ.get("CALLSHEET_HEARTBEAT", 30))  # seconds; well below the definition's inProgressTimeout
stopping = threading.Event()
isPolling = False

class Stopped(Exception): pass
class Refused(Exception): pass  # 4xx: repeating it would not help

class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.environ["CALLSHEET_SOCKET"])

def send(method, params, patience):
    local = "CALLSHEET_SOCKET" in os.environ
    connection = (UnixConnection("localhost", timeout=patience) if local else
                  http.client.HTTPConnection(urlsplit(os.environ["CALLSHEET_URL"]).netloc, timeout=patience))
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ.get("CALLSHEET_TOKEN", "")}
    try:
        connection.request("POST", "/rpc", json.dumps({"method": method, "params": params}), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()

def call(method, params, patience=10):
    """The result. What gets no answer is sent again, for it may not have arrived."""
    pause = 0.1
    while True:
        try:
            status, answer = send(method, params, patience)
            if status == 200: return answer["result"]
            if status < 500: raise Refused(answer["error"]["type"], answer["error"]["message"])
            why = answer
        except (OSError, http.client.HTTPException, ValueError) as error: why = error
        print(method, "got no answer:", why, file=sys.stderr)
        if stopping.wait(pause): raise Stopped
        pause = min(2 * pause, 5)

def beat(attempt, isOver, isLost):
    while not isOver.is_set():
        try: call("awf.task/notify", {**attempt, "notification": "heartbeat", "message": NAME})
        except Refused: return isLost.set()
        except Stopped: pass
        isOver.wait(HEARTBEAT)

def resize(params, isLost):
    """The work, with a look now and then whether it is still wanted."""
    until = time.monotonic() + params.get("ms", 100) / 1000
    while time.monotonic() < until and not isLost.wait(0.02): pass
    return {"pixels": params["width"] * params["width"], "by": "python"}

def execute(task):
    attempt = {"id": task["id"], "execId": task["execId"]}
    try: call("awf.task/start", attempt)
    except Refused as why:  # has-been-started: the answer to our own first try was lost
        if why.args[0] != "awf.task/has-been-started": return
    isOver, isLost = threading.Event(), threading.Event()
    threading.Thread(target=beat, args=(attempt, isOver, isLost), daemon=True).start()
    try: end = "awf.task/success", {"result": resize(task["params"], isLost)}
    except Exception as why: end = "awf.task/fail", {"error": {"message": repr(why)}}
    isOver.set()
    try:
        if not isLost.is_set(): call(end[0], {**attempt, **end[1]}); print(end[0], task["id"], flush=True)
    except Refused as why: print("dropped", task["id"], *why.args, file=sys.stderr)  # not ours any more

def stop(*_):
    stopping.set()
    if isPolling: raise Stopped

signal.signal(signal.SIGTERM, stop)
try:
    while not stopping.is_set():
        isPolling = True
        tasks = call("awf.task/long-poll", {"taskDefinitions": [KIND], "maxBatchSize": BATCH, "timeout": 60000}, 70)
        isPolling = False
        for one in tasks["resources"]:
            if not stopping.is_set(): execute(one)
except Stopped: pass
