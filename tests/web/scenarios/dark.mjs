// In the dark the page is dark, and follows the system when it changes.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";

const brightness = (page) =>
  page.evaluate(() => {
    const chat = document.querySelector("loquat-chat").shadowRoot.querySelector(".chat");
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(chat).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    if (alpha < 255) return -1;
    return (red + green + blue) / 3;
  });

export default async function (stage) {
  const ann = await stage.person({ dark: true });
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  await stage.picture("welcome", page);
  const exchange = await chat.ask("What is the capital of Bhutan? Who wrote Hamlet?");
  await exchange.marks.first().click();
  await chat.panel.waitFor();
  await stage.picture("facts", page);
  assert.ok((await brightness(page)) < 80, `${await brightness(page)}`);
  await page.emulateMedia({ colorScheme: "light" });
  assert.ok((await brightness(page)) > 180, `${await brightness(page)}`);
}
