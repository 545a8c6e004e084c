#!/usr/bin/env node
// An executor of the kind `resize`: takes tasks, shows that it is alive, says how they ended. Node 20, nothing else.
// CALLSHEET_SOCKET names a store's api.sock; else CALLSHEET_URL (http://127.0.0.1:8080) and CALLSHEET_TOKEN say where to.
// TERM: the task in hand is finished, no other one taken. Any death loses nothing: what was in hand comes back.
'use strict';
const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');

const { CALLSHEET_SOCKET: socketPath, CALLSHEET_URL, CALLSHEET_TOKEN = '', CALLSHEET_HEARTBEAT = 30 } = process.env;
const kind = 'resize', batch = 2, name = `node ${process.pid}`;
const stopping = new AbortController();
const refused = (error) => Object.assign(new Error(error.message), { type: error.type });  // 4xx: do not repeat it

function send(method, params, timeout, signal) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ method, params });
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body),
                      Authorization: `Bearer ${CALLSHEET_TOKEN}` };
    const where = new URL('/rpc', socketPath ? 'http://localhost' : CALLSHEET_URL);
    const options = { socketPath, method: 'POST', headers, agent: false, timeout, signal };
    const request = http.request(where, options, async (answer) => {
      try {
        let text = '';
        for await (const piece of answer.setEncoding('utf8')) text += piece;
        resolve([answer.statusCode, JSON.parse(text)]);
      } catch (error) { reject(error); }
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
    request.end(body);
  });
}

// The result. What gets no answer is sent again, for it may not have arrived; after TERM only once.
async function call(method, params, timeout = 10000, signal = undefined) {
  for (let pause = 100; ; pause = Math.min(2 * pause, 5000)) {
    const [status, answer] = await send(method, params, timeout, signal).catch((error) => [0, error]);
    if (status === 200) return answer.result;
    if (status >= 400 && status < 500) throw refused(answer.error);
    if (stopping.signal.aborted) throw new Error('stopped');
    console.error(method, 'got no answer:', status || answer.message);
    await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
  }
}

// The work, with a look now and then whether it is still wanted.
async function resize(params, isWanted) {
  for (const until = Date.now() + (params.ms ?? 100); Date.now() < until && isWanted(); ) await sleep(20);
  return { pixels: params.width * params.width, by: 'node' };
}

async function execute({ id, execId, params }) {
  let isLost = false;
  const beat = () => call('awf.task/notify', { id, execId, notification: 'heartbeat', message: name })
    .catch((error) => { isLost ||= error.type !== undefined; });
  let timer;
  try {
    await call('awf.task/start', { id, execId }).catch((error) => {
      // has-been-started: the answer to our own first try was lost.
      if (error.type !== 'awf.task/has-been-started') throw error;
    });
    beat();
    timer = setInterval(beat, CALLSHEET_HEARTBEAT * 1000);  // well below the definition's inProgressTimeout
    const [method, end] = await resize(params, () => !isLost).then(
      (result) => ['awf.task/success', { result }], (error) => ['awf.task/fail', { error: { message: String(error) } }]);
    if (isLost) return;
    await call(method, { id, execId, ...end });
    console.log(method, id);
  } catch (error) { console.error('dropped', id, error.message);  // not ours any more
  } finally { clearInterval(timer); }
}

async function main() {
  const poll = { taskDefinitions: [kind], maxBatchSize: batch, timeout: 60000 };
  while (!stopping.signal.aborted)
    for (const task of (await call('awf.task/long-poll', poll, 70000, stopping.signal)).resources)
      if (!stopping.signal.aborted) await execute(task);
}
process.on('SIGTERM', () => stopping.abort());
main().catch((error) => { if (!stopping.signal.aborted) throw error; });
