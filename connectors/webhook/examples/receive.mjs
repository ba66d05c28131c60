// Receives Loquat's webhooks. node receive.mjs PORT, with the hook's secret in LOQUAT_WEBHOOK_SECRET.

import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.LOQUAT_WEBHOOK_SECRET);
const seen = new Set(); // A real server keeps these with its data: an event may come twice.

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const event = webhook.verify(Buffer.concat(chunks).toString(), request.headers);
    if (!seen.has(request.headers["webhook-id"])) {
      seen.add(request.headers["webhook-id"]);
      console.log(event.type, event.data.person);
    }
    response.writeHead(204).end();
  } catch (error) {
    console.log("refused:", error.message);
    response.writeHead(401).end();
  }
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening", server.address().port));
