// What is written without a network is sent once there is one, and answered once; what was answered meanwhile comes too.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";
import { until } from "../stage.mjs";

export default async function (stage) {
  // A browser without a network says so.
  stage.allowed.push(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_IO_SUSPENDED|ERR_NETWORK_CHANGED/);
  const ann = await stage.person();
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  await chat.ask("What is the capital of Bhutan?");

  const taken = page.waitForResponse((response) => response.url().endsWith("/messages") && response.status() === 202);
  await chat.write("What is the capital of Nepal?");
  await taken;
  await ann.context.setOffline(true);
  await chat.write("What is the capital of Chile?");
  await until("a word about the network", async () => (await page.locator(".notice, .answer .error").allInnerTexts()).join(" ").length > 3);
  await stage.picture("offline", page);
  await ann.context.setOffline(false);
  await chat.about("capital of Nepal").finished();
  await until("the answer to what was written offline", async () => /Santiago/.test(await chat.about("capital of Chile").root.innerText()));
  await chat.assertOnce("capital of Bhutan", /Thimphu/);
  await chat.assertOnce("capital of Nepal", /Kathmandu/);
  await chat.assertOnce("capital of Chile", /Santiago/);
  assert.equal(await chat.exchanges.count(), 3);
  await stage.picture("back", page);
}
