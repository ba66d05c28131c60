// What the page itself says, in the languages it speaks. What the bot says is the bot's.

const ENGLISH = {
  anew: "New chat",
  ask: (name) => `Ask ${name} something`,
  send: "Send",
  hint: "Numbers in an answer open the facts behind it.",
  counter: (length, limit) => `${length} of ${limit} characters`,
  latest: "Latest answer",
  thinking: "Looking for facts…",
  you: "You said:",
  answers: (name) => `${name} answers:`,
  suggestions: "Questions to start with",
  abstained: "Not in my facts",
  unsupported: "not in my facts",
  facts: (count) => (count === 1 ? "1 fact" : `${count} facts`),
  fact: (number, triple) => `Fact ${number}: ${triple}`,
  source: "Source",
  id: "Id",
  copy: "Copy answer",
  copied: "Copied",
  graph: (generation) => `graph ${generation}`,
  lost: "Connection lost. Connecting again…",
  regained: "Connected again.",
  unsent: "Not sent.",
  unreachable: "The bot cannot be reached.",
  overdue: "Still no answer.",
  again: "Try again",
  token: "This bot asks for its token",
  enter: "Enter",
  wrong: "This is not the token.",
};

const CHINESE = {
  anew: "新对话",
  ask: (name) => `向 ${name} 提问`,
  send: "发送",
  hint: "点按答案中的编号，即可查看所依据的事实。",
  counter: (length, limit) => `${length} / ${limit} 字`,
  latest: "最新回答",
  thinking: "正在查找事实…",
  you: "你说：",
  answers: (name) => `${name} 回答：`,
  suggestions: "可以这样问",
  abstained: "我的事实中没有",
  unsupported: "我的事实中没有",
  facts: (count) => `${count} 条事实`,
  fact: (number, triple) => `事实 ${number}：${triple}`,
  source: "来源",
  id: "编号",
  copy: "复制回答",
  copied: "已复制",
  graph: (generation) => `图谱 ${generation}`,
  lost: "连接已断开，正在重新连接…",
  regained: "已重新连接。",
  unsent: "未发送。",
  unreachable: "无法连接到机器人。",
  overdue: "仍未收到回答。",
  again: "重试",
  token: "此机器人需要令牌",
  enter: "进入",
  wrong: "令牌不正确。",
};

const wanted = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? "en";

/** The page's language, and its words. */
export const language = wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
export const words = language === "zh" ? CHINESE : ENGLISH;
