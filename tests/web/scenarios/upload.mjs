// Files go with a message, come back as they were, and what is too large or of another kind is refused before it is sent.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { Chat } from "../chat.mjs";

const PICTURE = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGPYUGqOBzGMSgMRAOmdmfVvsqnoAAAAAElFTkSuQmCC", "base64");

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  let chat = await new Chat(page).ready();
  const input = page.locator(".composer input[type=file]");
  const notes = Buffer.from("Bhutan, as I remember it. 不丹。");
  await input.setInputFiles([
    { name: "notes 不丹.txt", mimeType: "text/plain", buffer: notes },
    { name: "square.png", mimeType: "image/png", buffer: PICTURE },
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
  assert.deepEqual(await readFile(await saved.path()), notes);
  await chat.about("capital of Bhutan").root.locator("canvas.thumb").waitFor();

  const sent = ann.requests.filter(({ url }) => url.includes("/files?")).length;
  await input.setInputFiles([{ name: "program.exe", mimeType: "application/x-msdownload", buffer: notes }]);
  await page.getByText("program.exe is of a kind that is not taken.").waitFor();
  await input.setInputFiles([{ name: "large.txt", mimeType: "text/plain", buffer: Buffer.alloc(Number(stage.settings.max) + 1, "a") }]);
  await page.getByText(/^large.txt is larger than/).waitFor();
  await stage.picture("refused", page);
  assert.equal(ann.requests.filter(({ url }) => url.includes("/files?")).length, sent, "neither was sent");
}
