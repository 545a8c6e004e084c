"""Runs docs/openapi.json against a principal: see openapi.sh."""
import contextlib
import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/openapi.json").read_text()
DOC = json.loads(TEXT)
METHODS = ("get", "put", "post", "delete", "patch")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?Z?")
TASK_STATES = {"created", "running", "stopping", "exited"}
DEADLINE = 30  # seconds
problems = []


def complain(where, what):
    problems.append(f"{where}: {what}")


def resolve(schema):
    while "$ref" in schema:
        at = DOC
        for part in schema["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        schema = at
    return schema


def whole(schema):
    """The schema with its allOf put together."""
    schema = resolve(schema)
    if "allOf" not in schema:
        return schema
    parts = [whole(part) for part in schema["allOf"]]
    return {"type": "object", "nullable": schema.get("nullable", False),
            "required": [name for part in parts for name in part.get("required", [])],
            "properties": {name: one for part in parts for name, one in part["properties"].items()}}


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def why_not(value, schema, place="$"):
    """Why the value does not fit, or None. An object has no property that its schema does not name."""
    schema = whole(schema)
    for several in ("oneOf", "anyOf"):
        if several in schema:
            reasons = [why_not(value, one, place) for one in schema[several]]
            fits = reasons.count(None)
            if fits == 1 or (fits > 1 and several == "anyOf"):
                return None
            return f"{place}: fits {fits} of {several}" if fits else " / ".join(dict.fromkeys(reasons))
    if value is None and schema.get("nullable"):
        return None
    if "type" in schema:
        kind = schema["type"]
        if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            return f"{place}: {value!r} is no {kind}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{place}: {value!r} is none of {schema['enum']}"
    for name, is_wrong in (("minimum", lambda least: value < least), ("maximum", lambda most: value > most)):
        if name in schema and is_wrong(schema[name]):
            return f"{place}: {value!r} is beyond its {name}"
    if schema.get("format") == "uuid" and not UUID.fullmatch(value):
        return f"{place}: {value!r} is no UUID"
    if schema.get("format") == "date-time" and not TIME.fullmatch(value):
        return f"{place}: {value!r} is no time"
    if isinstance(value, list) and "items" in schema:
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return f"{place}: has {len(value)} items"
        return next(filter(None, (why_not(one, schema["items"], f"{place}[{i}]") for i, one in enumerate(value))), None)
    if isinstance(value, dict) and ("properties" in schema or "additionalProperties" in schema):
        for name in schema.get("required", []):
            if name not in value:
                return f"{place}: {name} is missing"
        for name, one in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if inner is None:
                return f"{place}: {name} is not in the schema"
            if why := why_not(one, inner, f"{place}.{name}"):
                return why
    return None


class Server:
    """A principal over a fresh store, and one of its sockets."""

    def __init__(self, way):
        self.way = way
        self.directory = tempfile.TemporaryDirectory()
        self.store = ["--location", self.directory.name, "--id", "openapi"]
        self.path = pathlib.Path(self.directory.name) / "openapi.callsheet"
        scripts = pathlib.Path(self.directory.name) / "scripts"
        scripts.mkdir()
        (scripts / "hello.js").write_text('module.exports.main = (config) => "hi " + config.agreementId\n')
        self.process = subprocess.Popen(["callsheet", "principal", "--listen", "127.0.0.1:0", "--scripts", str(scripts), *self.store],
                                        stderr=subprocess.PIPE, text=True)
        self.port = None
        for line in self.process.stderr:
            if found := re.search(r" serving \S+ and http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break
        self.token = (self.path / "api.token").read_text().strip()

    def ask(self, method, path, body=None, content_type="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        if self.way == "tcp":
            headers["Authorization"] = f"Bearer {self.token}"
        else:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(DEADLINE)
            connection.sock.connect(str(self.path / "api.sock"))
        with contextlib.closing(connection):
            connection.request(method.upper(), path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.getheader("Allow", "")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        if code := self.process.wait(DEADLINE):
            complain(self.way, f"the principal ended with {code}")
        check = subprocess.run(["callsheet", "check", *self.store], capture_output=True, text=True, timeout=DEADLINE)
        if check.returncode:
            complain(self.way, check.stdout + check.stderr)
        self.directory.cleanup()


class Ids:
    """What the examples' ids are in this store, learned by laying answers beside the documented ones."""

    def __init__(self):
        self.known = {}

    def fill(self, value):
        if isinstance(value, str):
            return self.known.get(value, value)
        if isinstance(value, list):
            return [self.fill(one) for one in value]
        return {name: self.fill(one) for name, one in value.items()} if isinstance(value, dict) else value

    def difference(self, documented, got, place="$"):
        """Where the two differ in more than ids, times, counters and the places that follow from them."""
        if isinstance(documented, dict) and isinstance(got, dict):
            if documented.keys() != got.keys():
                return f"{place}: the example has {sorted(documented)}, the answer {sorted(got)}"
            pairs = ((documented[name], got[name], f"{place}.{name}") for name in documented)
        elif isinstance(documented, list) and isinstance(got, list):
            if len(documented) != len(got):
                return f"{place}: the example has {len(documented)} items, the answer {len(got)}"
            pairs = ((one, other, f"{place}[{i}]") for i, (one, other) in enumerate(zip(documented, got)))
        else:
            return self.scalar_difference(documented, got, place)
        return next(filter(None, (self.difference(*pair) for pair in pairs)), None)

    def scalar_difference(self, documented, got, place):
        if type(documented) is not type(got):
            return f"{place}: the example has {documented!r}, the answer {got!r}"
        name = place.rpartition(".")[2]
        if name == "taskId":
            return None if self.known.setdefault(documented, got) == got else f"{place}: is another {documented}"
        if name == "state" and {documented, got} <= TASK_STATES:
            return None  # the example's goes on meanwhile
        if name in ("versionId", "version", "shortId", "next", "delay", "progress", "running", "ready", "waiting"):
            return None
        if isinstance(documented, str):
            for pattern in (UUID, TIME):
                if pattern.fullmatch(documented) and pattern.fullmatch(got):
                    if pattern is UUID and self.known.setdefault(documented, got) != got:
                        return f"{place}: is another {documented}"
                    return None
            documented, got = (UUID.sub("ID", self_text) for self_text in (documented, got))
        return None if documented == got else f"{place}: the example has {documented!r}, the answer {got!r}"


def operations():
    """All of them in the file's order, but what removes comes last."""
    found = [(path, method, item[method], item.get("parameters", []) + item[method].get("parameters", []))
             for path, item in DOC["paths"].items() for method in item if method in METHODS]
    return sorted(found, key=lambda one: one[1] == "delete")


def target(path, parameters, ids):
    query = []
    for one in parameters:
        one = resolve(one)
        if one["in"] == "path":
            path = path.replace("{" + one["name"] + "}", urllib.parse.quote(ids.fill(one["example"])))
        elif "example" in one:
            value = one["example"]
            query.append((one["name"], str(value).lower() if isinstance(value, bool) else value))
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


def content_of(operation, status):
    response = resolve(operation["responses"].get(str(status), {}))
    return response.get("content", {}).get("application/json")


def call_schema(request):
    return DOC["components"]["schemas"]["Call"]["discriminator"]["mapping"].get(request.get("method"))


def why_not_rpc(request, answer):
    """The result of each call, by its own method's schema."""
    if isinstance(request, list):
        if not isinstance(answer, list) or len(request) != len(answer):
            return "not one answer for each call"
        return next(filter(None, map(why_not_rpc, request, answer)), None)
    schema = call_schema(request)
    if "result" not in answer or schema is None:
        return None
    return why_not(answer["result"], resolve({"$ref": schema})["x-result"])


def run_example(server, ids, path, method, operation, parameters, name, example, content_type):
    where = f"{server.way}, {content_type}: {method.upper()} {path}, example {name}"
    expected = example.get("x-status") or int(next(code for code in operation["responses"] if code[0] == "2"))
    request = ids.fill(example["value"]) if "value" in example else None
    status, text, _ = server.ask(method, target(path, parameters, ids), request, content_type)
    if status != expected:
        return complain(where, f"{status} in place of {expected}: {text.strip()}")
    if plain := resolve(operation["responses"][str(status)]).get("content", {}).get("text/plain"):
        return None if text == plain["example"] else complain(where, f"{text!r} in place of {plain['example']!r}")
    answer = json.loads(text)
    content = content_of(operation, status)
    if content is None:
        return complain(where, f"the status {status} is not in the file")
    if why := why_not(answer, content["schema"]):
        complain(where, f"the answer does not fit its schema: {why}")
    if path == "/rpc" and (why := why_not_rpc(request, answer)):
        complain(where, f"the result does not fit its schema: {why}")
    if name in content.get("examples", {}):
        if why := ids.difference(content["examples"][name]["value"], answer):
            complain(where, why)
    return None


def run_examples(server, content_type):
    ids = Ids()
    count = 0
    for path, method, operation, parameters in operations():
        body = operation.get("requestBody")
        examples = body["content"]["application/json"]["examples"] if body else {"usual": {}}
        for name, example in examples.items():
            run_example(server, ids, path, method, operation, parameters, name, example, content_type)
            count += 1
    return count


def check_examples_against_schemas():
    for path, method, operation, _ in operations():
        where = f"{method.upper()} {path}"
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if body and not body.get("examples"):
            complain(where, "has no example of a request")
        for name, example in body.get("examples", {}).items():
            is_refused = example.get("x-status", 200) >= 400
            if not is_refused and name != "batch" and (why := why_not(example["value"], body["schema"])):
                complain(where, f"the request {name} does not fit: {why}")
        answers = 0
        for status, response in operation["responses"].items():
            answers += "text/plain" in resolve(response).get("content", {})
            content = content_of(operation, status) or {}
            for name, example in content.get("examples", {}).items():
                answers += 1
                if why := why_not(example["value"], content["schema"]):
                    complain(where, f"the answer {name} of {status} does not fit: {why}")
        if not answers and path != "/openapi.json":
            complain(where, "has no example of an answer")


def check_routes(server):
    """The routes of the sources are those of the file, and the server takes no other method on them."""
    documented = {(method.upper(), path) for path, method, _, _ in operations()}
    sources = "".join(file.read_text() for file in sorted((ROOT / "api").glob("*.cpp")))
    known = {(method, path.replace("+}", "}"))
             for method, path in re.findall(r'[{(]"(GET|PUT|POST|DELETE|PATCH)",\s*"(/[^"]*)"', sources)}
    for method, path in known - documented:
        complain(f"{method} {path}", "is not in the file")
    for method, path in documented - known:
        complain(f"{method} {path}", "is in the file alone")
    methods = set(re.findall(r'\{"(awf\.[a-z./-]+)", task', sources))
    if methods != set(DOC["components"]["schemas"]["Call"]["discriminator"]["mapping"]):
        complain("/rpc", f"its methods are {sorted(methods)}")
    for path in DOC["paths"]:
        allowed = {method for method, one in documented if one == path}
        for method in set(METHODS) - {one.lower() for one in allowed}:
            status, text, allow = server.ask(method, re.sub(r"\{\w+\}", "x", path), {} if method != "get" else None)
            if status != 405 or set(allow.split(", ")) != allowed or not isinstance(json.loads(text).get("error"), dict):
                complain(f"{method.upper()} {path}", f"{status} with Allow: {allow} in place of 405, {sorted(allowed)}")
    for path in ("/v1", "/v1/jobs/x/y", "/rpc/x", "/openapi"):
        status, text, _ = server.ask("get", path)
        if status != 404 or json.loads(text)["error"]["type"] != "http/not-found":
            complain(path, f"{status} in place of 404")
    status, text, _ = server.ask("get", "/openapi.json")
    if status != 200 or text != TEXT:
        complain("/openapi.json", f"{status}: what is served is not the file")


def main():
    check_examples_against_schemas()
    started = time.monotonic()
    for way, content_type in (("unix", "application/json"), ("tcp", "application/json"), ("unix", "text/yaml")):
        server = Server(way)
        try:
            count = run_examples(server, content_type)
            if (way, content_type) == ("tcp", "application/json"):
                check_routes(server)
        finally:
            server.end()
        print(f"{way}, {content_type}: {count} requests")
    print("\n".join(problems) or f"{len(DOC['paths'])} paths in {time.monotonic() - started:.1f} s")
    sys.exit(1 if problems else 0)


main()
