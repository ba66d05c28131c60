// Files go with a message, come back as they were, and what is too large or of another kind is refused before it is sent.

import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";

import { Chat, read } from "../chat.mjs";

/** A red square as PNG. */
function picture(size) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const ends = [Buffer.alloc(4), Buffer.alloc(4)];
    ends[0].writeUInt32BE(data.length);
    ends[1].writeUInt32BE(crc32(body));
    return Buffer.concat([ends[0], body, ends[1]]);
  };
  const head = Buffer.from([0, 0, 0, size, 0, 0, 0, size, 8, 2, 0, 0, 0]);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(size * 3, Buffer.from([200, 60, 40]))]);
  const rows = deflateSync(Buffer.concat(Array(size).fill(row)));
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), chunk("IHDR", head), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))]);
}

/** Of PNG, section D; Node has it only since 22. */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  let chat = await new Chat(page).ready();
  const input = page.locator(".composer input[type=file]");
  const notes = Buffer.from("Bhutan, as I remember it. 不丹。");
  await input.setInputFiles([
    { name: "notes 不丹.txt", mimeType: "text/plain", buffer: notes },
    { name: "square.png", mimeType: "image/png", buffer: picture(40) },
  ]);
  await page.locator(".tray .file").nth(1).waitFor();
  await stage.picture("tray", page);
  await chat.ask("What is the capital of Bhutan?");
  const exchange = chat.about("capital of Bhutan");
  await exchange.button("Download notes 不丹.txt").waitFor();
  await stage.picture("sent", page);
  await page.reload();
  chat = await new Chat(page).ready();
  const download = page.waitForEvent("download");
  await chat.about("capital of Bhutan").button("Download notes 不丹.txt").click();
  const saved = await download;
  assert.equal(saved.suggestedFilename(), "notes 不丹.txt");
  assert.deepEqual(await read(saved), notes);
  await chat.about("capital of Bhutan").root.locator("canvas.thumb").waitFor();

  const sent = ann.requests.filter(({ url }) => url.includes("/files?")).length;
  await input.setInputFiles([{ name: "program.exe", mimeType: "application/x-msdownload", buffer: notes }]);
  await page.getByText("program.exe is of a kind that is not taken.").waitFor();
  await input.setInputFiles([{ name: "large.txt", mimeType: "text/plain", buffer: Buffer.alloc(Number(stage.settings.max) + 1, "a") }]);
  await page.getByText(/^large.txt is larger than/).waitFor();
  await stage.picture("refused", page);
  assert.equal(ann.requests.filter(({ url }) => url.includes("/files?")).length, sent, "neither was sent");
}
