// What the page itself says, in the languages it speaks. What the bot says is the bot's.

const ENGLISH = {
  anew: "New chat",
  ask: (name) => `Ask ${name} something`,
  send: "Send",
  hint: "Numbers in an answer open the facts behind it; /why explains the last answer.",
  counter: (length, limit) => `${length} of ${limit} characters`,
  latest: "Latest answer",
  thinking: "Looking for facts…",
  you: "You said:",
  answers: (name) => `${name} answers:`,
  suggestions: "Questions to start with",
  abstained: "Not in my facts",
  doubts: { unsupported: "not in my facts", contradicted: "my facts say otherwise" },
  choices: "What can be meant",
  facts: (count) => (count === 1 ? "1 fact" : `${count} facts`),
  fact: (number, triple, accounted) => {
    const behind = accounted.length > 0 ? `, behind “${accounted.join("”, “")}”` : "";
    return `Fact ${number}: ${triple}${behind}`;
  },
  why: "Why?",
  verdicts: {
    supported: "supported by",
    contradicted: "my facts say otherwise:",
    unsupported: "not in my facts",
    no_claim: "claims nothing",
  },
  wordings: {
    model: "the model's own words",
    constrained: "the model's words, bound to the names and numbers of the facts",
    template: "a template's words",
    line: "one of the bot's own lines",
  },
  nothing: {
    smalltalk: "Nothing was claimed: no question of fact was asked.",
    abstained: "Nothing was claimed: what was asked is not in the facts.",
    clarified: "Nothing was claimed: the bot asked back what was meant.",
  },
  missing: "Missing in the facts:",
  unnamed: "a name that the graph does not have",
  made: (generation, policy, model) => `Made from generation ${generation} of the graph, under the policy “${policy}”, with the model ${model}.`,
  since: "Since",
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
  hint: "点按答案中的编号，即可查看所依据的事实；输入 /why 解释上一个回答。",
  counter: (length, limit) => `${length} / ${limit} 字`,
  latest: "最新回答",
  thinking: "正在查找事实…",
  you: "你说：",
  answers: (name) => `${name} 回答：`,
  suggestions: "可以这样问",
  abstained: "我的事实中没有",
  doubts: { unsupported: "我的事实中没有", contradicted: "与我的事实不符" },
  choices: "可能的含义",
  facts: (count) => `${count} 条事实`,
  fact: (number, triple, accounted) => {
    const behind = accounted.length > 0 ? `，支持“${accounted.join("”“")}”` : "";
    return `事实 ${number}：${triple}${behind}`;
  },
  why: "为什么？",
  verdicts: {
    supported: "依据",
    contradicted: "与我的事实不符：",
    unsupported: "我的事实中没有",
    no_claim: "未作任何断言",
  },
  wordings: {
    model: "模型自己的措辞",
    constrained: "模型的措辞，名称和数字只能取自事实",
    template: "模板的措辞",
    line: "机器人的固定用语",
  },
  nothing: {
    smalltalk: "未作任何断言：没有提出关于事实的问题。",
    abstained: "未作任何断言：所问内容不在事实中。",
    clarified: "未作任何断言：机器人反问了所指的是什么。",
  },
  missing: "事实中缺少：",
  unnamed: "图谱中没有的名称",
  made: (generation, policy, model) => `依据图谱版本 ${generation}，策略 ${policy}，模型 ${model}。`,
  since: "自",
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
