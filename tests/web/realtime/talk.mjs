// Asks the question in a wav file, with the stock client; prints the history as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, address, token, file] = process.argv.slice(2);
const entry = createRequire(`${packages}/package.json`).resolve("@openai/agents-realtime");
const { RealtimeAgent, RealtimeSession } = await import(pathToFileURL(entry));
const agent = new RealtimeAgent({ name: "Ada", instructions: "Be kind." });
const session = new RealtimeSession(agent, { transport: "websocket" });
const errors = [];
let sound = 0;
session.on("audio", (event) => (sound += event.data.byteLength));
session.on("error", (event) => errors.push(event));
session.on("agent_end", () => {
  const history = session.history.map((item) => [item.role, item.content[0].transcript ?? item.content[0].text]);
  console.log(JSON.stringify({ history, sound, errors }));
  session.close();
  process.exit(0);
});
await session.connect({ apiKey: token, url: `${address}/v1/realtime` });
const wav = readFileSync(file);
session.sendAudio(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length));
