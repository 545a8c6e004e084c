#include "jobs/script_wrappers.h"

namespace callsheet {
inline namespace v1 {

const char* const nodeWrapper = R"js("use strict";
const fs = require("fs");
const path = require("path");
const Module = require("module");

const bytesMax = 1 << 20;
let isOver = false;

function give(value, code) {
  if (isOver) return;
  isOver = true;
  const bytes = Buffer.from(JSON.stringify(value));
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(3, bytes, at);
  process.exitCode = code;
  // What the script left running does not keep it: its work is done.
  setTimeout(() => process.exit(), 100).unref();
  if (code !== 0) process.exit();
}

function fail(error) {
  const isError = error instanceof Error;
  console.error(isError ? error.stack : error);
  const message = isError ? error.message : String(error);
  give({ error: { message: message.slice(0, 8192), stack: isError ? String(error.stack).slice(0, 32768) : null } }, 1);
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

async function run() {
  const order = JSON.parse(fs.readFileSync(0, "utf8"));
  const script = new Module(order.file, null);
  script.filename = order.file;
  script.paths = path.isAbsolute(order.file) ? Module._nodeModulePaths(path.dirname(order.file)) : [];
  script._compile(order.source, order.file);
  if (typeof script.exports.main !== "function") throw new Error("the script exports no function main");
  const result = await script.exports.main(order.config);
  const text = JSON.stringify(result === undefined ? null : result);
  if (text === undefined) throw new Error("the result is no JSON");
  if (Buffer.byteLength(text) > bytesMax) throw new Error("the result has more than " + bytesMax + " bytes");
  give({ result: JSON.parse(text) }, 0);
}

run().catch(fail);
)js";

const char* const pythonWrapper = R"py(
import asyncio, inspect, json, os, sys, traceback

def give(value, code):
    data = json.dumps(value).encode()
    while data:
        data = data[os.write(3, data):]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

try:
    order = json.load(sys.stdin)
    scope = {"__name__": "callsheet_script", "__file__": order["file"]}
    sys.path.insert(0, os.path.dirname(order["file"]))
    exec(compile(order["source"], order["file"], "exec"), scope)
    main = scope.get("main")
    if not callable(main):
        raise TypeError("the script defines no function main")
    result = main(order["config"])
    if inspect.isawaitable(result):
        async def awaited(what):
            return await what
        result = asyncio.run(awaited(result))
    text = json.dumps(result)
    if len(text.encode()) > 1 << 20:
        raise ValueError("the result has more than 1048576 bytes")
except BaseException as error:
    traceback.print_exc()
    stack = traceback.format_exc()
    give({"error": {"message": str(error)[:8192] or type(error).__name__, "stack": stack[:32768]}}, 1)
give({"result": json.loads(text)}, 0)
)py";

}  // namespace v1
}  // namespace callsheet
