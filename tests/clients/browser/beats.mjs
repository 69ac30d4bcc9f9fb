// Follows a stream with @microsoft/fetch-event-source until two heartbeats have come; writes down
// which messages the library has dispatched meanwhile.
import { fetchEventSource } from "@microsoft/fetch-event-source";

// What the library needs of a browser.
globalThis.window = globalThis;
globalThis.document = { addEventListener() {}, removeEventListener() {} };

const leaving = new AbortController();
const messages = [];

async function countBeats(body) {
  let beats = 0;
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    beats += text.split("\n").filter((line) => line.startsWith(":")).length;
    if (beats === 2) leaving.abort();
  }
}

await fetchEventSource(process.env.STREAM, {
  signal: leaving.signal,
  headers: { authorization: `Bearer ${process.env.COMFYD_KEY}` },
  async fetch(url, options) {
    const answer = await fetch(url, options);
    const [shown, counted] = answer.body.tee();
    countBeats(counted).catch(() => {});
    return new Response(shown, answer);
  },
  onmessage({ event, data }) {
    messages.push({ event, status: JSON.parse(data).status });
  },
  onclose() {
    throw new Error("the stream has ended");
  },
  onerror(error) {
    throw error;
  },
});

console.log(JSON.stringify(messages));
