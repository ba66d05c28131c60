// A bot on discord.js that does what people tell it to, and prints what it saw: one line of JSON a step.
//
// It knows Discord only by discord.js. Its server's address and its token come from the environment.

import process from "node:process";
import {
  ActionRowBuilder, AttachmentBuilder, ButtonBuilder, ButtonStyle, ChannelType, Client, EmbedBuilder, Events,
  GatewayIntentBits, MessageFlags, Partials, Routes, SlashCommandBuilder,
} from "discord.js";

const url = process.env.FAKE_URL;
const see = (step, what = {}) => process.stdout.write(`${JSON.stringify({ step, ...what })}\n`);

const client = new Client({
  rest: { api: `${url}/api` },
  intents: [
    GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.GuildMessageReactions,
    GatewayIntentBits.GuildMessageTyping, GatewayIntentBits.DirectMessages, GatewayIntentBits.MessageContent,
  ],
  shards: process.env.FAKE_SHARDS ? "auto" : undefined,
  partials: [Partials.Channel, Partials.Message, Partials.Reaction],
});

const buttons = () => new ActionRowBuilder().addComponents(
  new ButtonBuilder().setCustomId("why").setLabel("Why?").setStyle(ButtonStyle.Secondary),
  new ButtonBuilder().setCustomId("up").setEmoji("👍").setStyle(ButtonStyle.Success),
  new ButtonBuilder().setURL("https://example.org/").setLabel("More").setStyle(ButtonStyle.Link),
);

const failure = async (doing) => {
  try {
    await doing();
    return { kind: null };
  } catch (error) {
    return { kind: error.name.split("[")[0], code: error.code, status: error.status, message: error.message };
  }
};

const deeds = {
  async reply(message) {
    const sent = await message.reply({ content: "a reply", allowedMentions: { repliedUser: false } });
    return { id: sent.id, to: sent.reference.messageId, own: sent.author.id === client.user.id };
  },
  async edit(message) {
    const sent = await message.channel.send("first");
    const edited = await sent.edit("second");
    return { content: edited.content, edited: edited.editedTimestamp !== null };
  },
  async delete(message) {
    const sent = await message.channel.send("gone soon");
    await sent.delete();
    return failure(() => message.channel.messages.fetch({ message: sent.id, force: true }));
  },
  async thread(message) {
    const thread = await message.startThread({ name: "a thread", autoArchiveDuration: 60 });
    const sent = await thread.send("in the thread");
    return { id: thread.id, type: thread.type, parent: thread.parentId, said_in: sent.channelId };
  },
  async forum(message) {
    const forum = message.guild.channels.cache.find((channel) => channel.type === ChannelType.GuildForum);
    const post = await forum.threads.create({ name: "a post", message: { content: "the first words" } });
    const starter = await post.fetchStarterMessage();
    return { id: post.id, starter: starter.content, starter_id: starter.id };
  },
  async buttons(message) {
    const sent = await message.channel.send({ content: "choose", components: [buttons()] });
    return { id: sent.id, labels: sent.components[0].components.map((button) => button.label) };
  },
  async react(message) {
    await message.react("👀");
    await message.react("🥝");
    await message.reactions.resolve("👀").users.remove();
    const fresh = await message.fetch(true);
    return { left: fresh.reactions.cache.map((reaction) => [reaction.emoji.name, reaction.count, reaction.me]) };
  },
  async file(message) {
    const file = new AttachmentBuilder(Buffer.from("what is in it"), { name: "notes.txt", description: "some notes" });
    const sent = await message.channel.send({ content: "a file", files: [file] });
    const got = sent.attachments.first();
    const text = await (await fetch(got.url)).text();
    return { name: got.name, size: got.size, description: got.description, text };
  },
  async fetch(message) {
    const got = message.attachments.first();
    return { name: got.name, type: got.contentType, text: await (await fetch(got.url)).text() };
  },
  async embed(message) {
    const embed = new EmbedBuilder().setTitle("Sources").setDescription("[one](https://example.org/1)")
      .addFields({ name: "two", value: "three" }).setFooter({ text: "footer" });
    const sent = await message.channel.send({ embeds: [embed] });
    return { title: sent.embeds[0].title, fields: sent.embeds[0].fields.length };
  },
  async flood(message) {
    const texts = Array.from({ length: 12 }, (_, index) => `flood ${index}`);
    const sent = await Promise.all(texts.map((text) => message.channel.send(text)));
    return { count: sent.length };
  },
  async errors(message) {
    const { channel } = message;
    const secret = message.guild.channels.cache.find((other) => other.name === "secret");
    return {
      long: await failure(() => channel.send("x".repeat(2001))),
      whole: (await channel.send("🦀".repeat(2000))).content.length,
      empty: await failure(() => client.rest.post(Routes.channelMessages(channel.id), { body: { content: "  " } })),
      unknown: await failure(() => channel.messages.fetch("1")),
      forbidden: await failure(() => secret.send("no")),
      channel: await failure(() => client.channels.fetch("1", { force: true })),
      buttons: await failure(() => client.rest.post(Routes.channelMessages(channel.id), {
        body: { content: "x", components: [{ type: 1, components: [1, 2].map(() => ({ type: 2, style: 1, label: "x", custom_id: "same" })) }] },
      })),
    };
  },
  async nonce(message) {
    const send = () => message.channel.send({ content: "once", nonce: "key-1", enforceNonce: true });
    const [first, second] = [await send(), await send()];
    return { same: first.id === second.id, nonce: second.nonce };
  },
  async history(message) {
    const before = await message.channel.messages.fetch({ limit: 2, before: message.id });
    const all = await message.channel.messages.fetch({ limit: 100 });
    const after = await message.channel.messages.fetch({ limit: 100, after: [...before.keys()][1] });
    return { before: before.map((one) => one.content), count: all.size, after: after.size };
  },
  async quiet(message) {
    const sent = await message.channel.send({ content: `@everyone <@${message.author.id}>`, allowedMentions: { parse: [] } });
    return { id: sent.id, everyone: sent.mentions.everyone };
  },
  async type(message) {
    await message.channel.sendTyping();
    return {};
  },
  async pin(message) {
    await message.pin();
    const pinned = await message.channel.messages.fetchPins();
    return { pinned: pinned.items.map((item) => item.message.id === message.id) };
  },
  async who(message) {
    const application = await client.application.fetch();
    const me = await message.guild.members.fetchMe({ force: true });
    const dm = await message.author.createDM();
    const sent = await dm.send("in private");
    const threads = await message.guild.channels.fetchActiveThreads();
    return {
      flags: application.flags.toArray(), name: application.name, dm: sent.channel.id,
      roles: me.roles.cache.map((role) => role.name), threads: threads.threads.size,
      may: me.permissionsIn(message.channel).has("SendMessages"),
    };
  },
};

client.once(Events.ClientReady, async (ready) => {
  const ask = new SlashCommandBuilder().setName("ask").setDescription("Ask something")
    .setNameLocalizations({ de: "frag" }).setDescriptionLocalizations({ de: "Frag etwas" })
    .addStringOption((option) => option.setName("question").setDescription("What").setRequired(true));
  const secret = new SlashCommandBuilder().setName("secret").setDescription("For you only");
  const commands = await ready.application.commands.set([ask, secret]);
  const failed = await failure(() => ready.application.commands.set([{ name: "Bad Name", description: "x" }]));
  const guild = ready.guilds.cache.first();
  see("ready", {
    user: ready.user.username, guild: guild.name, channels: guild.channels.cache.map((channel) => channel.name),
    commands: commands.map((command) => command.name), failed,
  });
});

client.on(Events.MessageCreate, async (message) => {
  if (message.author.id === client.user.id) return;
  const word = message.content.split(" ")[0];
  see("message", {
    content: message.content, author: message.author.username, guild: message.guild?.name ?? null,
    to: message.reference?.messageId ?? null, mentioned: message.mentions.has(client.user), files: message.attachments.size,
    thread: message.channel.isThread(),
  });
  if (!(word in deeds)) return;
  try {
    see(word, await deeds[word](message));
  } catch (error) {
    see(word, { error: String(error.stack) });
  }
});

client.on(Events.MessageUpdate, (before, after) => {
  if (after.author?.id !== client.user.id) see("edited", { before: before.content, content: after.content });
});
client.on(Events.MessageDelete, (message) => see("deleted", { id: message.id }));
client.on(Events.MessageReactionAdd, (reaction, user) => {
  if (user.id !== client.user.id) see("reacted", { emoji: reaction.emoji.name, user: user.id });
});
client.on(Events.MessageReactionRemove, (reaction, user) => {
  if (user.id !== client.user.id) see("unreacted", { emoji: reaction.emoji.name, user: user.id });
});
client.on(Events.TypingStart, (typing) => {
  if (typing.user.id !== client.user.id) see("typing", { user: typing.user.id });
});
client.on(Events.ThreadCreate, (thread, isNew) => see("thread_created", { name: thread.name, isNew }));
client.on(Events.GuildCreate, (guild) => see("joined", { guild: guild.name }));
client.on(Events.GuildDelete, (guild) => see("left", { guild: guild.name }));
client.on(Events.ShardResume, (shard, replayed) => see("resumed", { shard, replayed }));
client.on(Events.ShardReady, (shard) => see("shard_ready", { shard }));
client.on(Events.Error, (error) => see("error", { error: String(error.stack) }));

client.on(Events.InteractionCreate, async (interaction) => {
  try {
    if (interaction.isChatInputCommand() && interaction.commandName === "ask") {
      const reply = await interaction.deferReply({ withResponse: true });
      const edited = await interaction.editReply({ content: `you asked: ${interaction.options.getString("question")}`, components: [buttons()] });
      const more = await interaction.followUp({ content: "only you see this", flags: MessageFlags.Ephemeral });
      see("asked", {
        locale: interaction.locale, guild: interaction.guildId, user: interaction.user.username, content: edited.content,
        same: reply.resource.message.id === edited.id, ephemeral: more.flags.has(MessageFlags.Ephemeral),
        again: await failure(() => interaction.client.rest.post(Routes.interactionCallback(interaction.id, interaction.token), { body: { type: 5 }, auth: false })),
      });
    } else if (interaction.isChatInputCommand()) {
      await interaction.reply({ content: "a secret", flags: MessageFlags.Ephemeral });
      const fetched = await interaction.fetchReply();
      see("told", { content: fetched.content, ephemeral: fetched.flags.has(MessageFlags.Ephemeral) });
    } else if (interaction.isButton() && interaction.customId === "why") {
      await interaction.update({ content: "because", components: [] });
      see("clicked", { id: interaction.customId, on: interaction.message.id, user: interaction.user.username });
    } else if (interaction.isButton()) {
      await interaction.reply({ content: "thanks", flags: MessageFlags.Ephemeral });
      see("clicked", { id: interaction.customId, on: interaction.message.id, user: interaction.user.username });
    }
  } catch (error) {
    see("interaction_failed", { error: String(error.stack) });
  }
});

process.stdin.on("end", () => client.destroy().then(() => process.exit(0)));
process.stdin.resume();
await client.login(process.env.FAKE_WRONG_TOKEN ?? process.env.FAKE_TOKEN);
