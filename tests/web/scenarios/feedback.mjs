// A bad answer is rated and told why, a good one is rated; both are still there after a reload.

import { Chat } from "../chat.mjs";
import { until } from "../stage.mjs";

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  let chat = await new Chat(page).ready();
  const exchange = await chat.ask("What is the capital of Bhutan?");
  await exchange.button("Bad answer").click();
  await page.getByRole("textbox", { name: "What was wrong with it?" }).fill("It should say where that is.");
  await stage.picture("reason", page);
  const kept = page.waitForResponse((response) => response.url().includes("/feedback") && response.status() === 202);
  await page.locator(".reasonbox").getByRole("button", { name: "Send", exact: true }).click();
  await kept;
  await exchange.root.getByText("Thank you. This is noted.").waitFor();
  await stage.picture("thanks", page);
  const good = await chat.ask("What is the capital of Nepal?");
  await good.button("Good answer").click();
  await until("thanks", async () => (await good.root.getByText("Thank you. This is noted.").count()) === 1);
  await page.reload();
  chat = await new Chat(page).ready();
  const pressed = (question, name) => chat.about(question).root.locator(`button[aria-label="${name}"][aria-pressed=true]`);
  await pressed("capital of Bhutan", "Bad answer").waitFor();
  await pressed("capital of Nepal", "Good answer").waitFor();
}
