"""A bot on discord.py that does what people tell it to, and prints what it saw: one line of JSON a step.

It knows Discord only by discord.py. Its server's address and its token come from the environment.
"""

import asyncio
import io
import json
import logging
import os
import sys
import threading
import traceback

import discord
import yarl
from discord import app_commands

URL = os.environ["FAKE_URL"]
discord.http.Route.BASE = f"{URL}/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(URL.replace("http", "ws", 1))


def see(step, **what):
    print(json.dumps({"step": step, **what}), flush=True)


async def failure(doing):
    try:
        await doing
    except discord.HTTPException as error:
        return {"kind": type(error).__name__, "code": error.code, "status": error.status, "message": str(error)}
    return {"kind": None}


class Buttons(discord.ui.View):
    def __init__(self):
        super().__init__(timeout=None)
        self.add_item(discord.ui.Button(label="More", url="https://example.org/"))

    @discord.ui.button(label="Why?", custom_id="why", style=discord.ButtonStyle.secondary)
    async def why(self, interaction, button):
        await interaction.response.edit_message(content="because", view=None)
        see("clicked", id="why", on=str(interaction.message.id), user=interaction.user.name)

    @discord.ui.button(emoji="👍", custom_id="up", style=discord.ButtonStyle.success)
    async def up(self, interaction, button):
        await interaction.response.send_message("thanks", ephemeral=True)
        see("clicked", id="up", on=str(interaction.message.id), user=interaction.user.name)


class Deeds:
    async def reply(self, message):
        sent = await message.reply("a reply", mention_author=False)
        return {"id": str(sent.id), "to": str(sent.reference.message_id), "own": sent.author.id == client.user.id}

    async def edit(self, message):
        sent = await message.channel.send("first")
        edited = await sent.edit(content="second")
        return {"content": edited.content, "edited": edited.edited_at is not None}

    async def delete(self, message):
        sent = await message.channel.send("gone soon")
        await sent.delete()
        return await failure(message.channel.fetch_message(sent.id))

    async def thread(self, message):
        thread = await message.create_thread(name="a thread", auto_archive_duration=60)
        sent = await thread.send("in the thread")
        return {"id": str(thread.id), "type": thread.type.value, "parent": str(thread.parent_id),
                "said_in": str(sent.channel.id)}

    async def forum(self, message):
        forum = message.guild.forums[0]
        post = await forum.create_thread(name="a post", content="the first words")
        starter = await post.thread.fetch_message(post.thread.id)
        return {"id": str(post.thread.id), "starter": starter.content, "starter_id": str(post.message.id)}

    async def buttons(self, message):
        sent = await message.channel.send("choose", view=Buttons())
        return {"id": str(sent.id), "labels": [button.label for button in sent.components[0].children]}

    async def react(self, message):
        await message.add_reaction("👀")
        await message.add_reaction("🥝")
        await message.remove_reaction("👀", client.user)
        fresh = await message.fetch()
        return {"left": [[str(reaction.emoji), reaction.count, reaction.me] for reaction in fresh.reactions]}

    async def file(self, message):
        file = discord.File(io.BytesIO(b"what is in it"), "notes.txt", description="some notes")
        sent = await message.channel.send("a file", file=file)
        got = sent.attachments[0]
        return {"name": got.filename, "size": got.size, "description": got.description,
                "text": (await got.read()).decode()}

    async def fetch(self, message):
        got = message.attachments[0]
        return {"name": got.filename, "type": got.content_type, "text": (await got.read()).decode()}

    async def embed(self, message):
        embed = discord.Embed(title="Sources", description="[one](https://example.org/1)")
        embed.add_field(name="two", value="three").set_footer(text="footer")
        sent = await message.channel.send(embed=embed)
        return {"title": sent.embeds[0].title, "fields": len(sent.embeds[0].fields)}

    async def flood(self, message):
        sent = await asyncio.gather(*(message.channel.send(f"flood {index}") for index in range(12)))
        return {"count": len(sent)}

    async def errors(self, message):
        channel = message.channel
        secret = discord.utils.get(message.guild.channels, name="secret")
        row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "same"}] * 2}
        route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=channel.id)
        return {
            "long": await failure(channel.send("x" * 2001)),
            "whole": len((await channel.send("🦀" * 2000)).content.encode("utf-16-le")) // 2,
            "empty": await failure(channel.send("  ")),
            "unknown": await failure(channel.fetch_message(1)),
            "forbidden": await failure(secret.send("no")),
            "channel": await failure(client.fetch_channel(1)),
            "buttons": await failure(client.http.request(route, json={"content": "x", "components": [row]})),
        }

    async def nonce(self, message):
        # discord.py sends `enforce_nonce` with each nonce.
        first = await message.channel.send("once", nonce="key-1")
        second = await message.channel.send("once", nonce="key-1")
        return {"same": first.id == second.id, "nonce": second.nonce}

    async def history(self, message):
        before = [one async for one in message.channel.history(limit=2, before=message)]
        everything = [one async for one in message.channel.history(limit=100)]
        after = [one async for one in message.channel.history(limit=100, after=before[1])]
        return {"before": [one.content for one in before], "count": len(everything), "after": len(after)}

    async def quiet(self, message):
        sent = await message.channel.send(f"@everyone {message.author.mention}",
                                          allowed_mentions=discord.AllowedMentions.none())
        return {"id": str(sent.id), "everyone": sent.mention_everyone}

    async def type(self, message):
        await message.channel.typing()
        return {}

    async def pin(self, message):
        await message.pin()
        return {"pinned": [one.id == message.id async for one in message.channel.pins()]}

    async def who(self, message):
        application = await client.application_info()
        me = await message.guild.fetch_member(client.user.id)
        dm = await message.author.create_dm()
        sent = await dm.send("in private")
        threads = await message.guild.active_threads()
        flags = [name for name, is_set in application.flags if is_set]
        return {"flags": flags, "name": application.name, "dm": str(sent.channel.id),
                "roles": [role.name for role in me.roles], "threads": len(threads),
                "may": message.channel.permissions_for(me).send_messages}


class Bot(discord.AutoShardedClient if os.environ.get("FAKE_SHARDS") else discord.Client):
    def __init__(self):
        intents = discord.Intents(guilds=True, guild_messages=True, guild_reactions=True, guild_typing=True,
                                  dm_messages=True, message_content=True)
        # By default it waits a minute for a heartbeat's acknowledgement.
        super().__init__(intents=intents, heartbeat_timeout=20.0)
        self.tree = app_commands.CommandTree(self)
        self.has_begun = False

    async def on_shard_ready(self, shard):
        see("shard_ready", shard=shard)

    async def on_ready(self):
        if not os.environ.get("FAKE_SHARDS"):
            see("shard_ready", shard=0)
        if self.has_begun:
            return
        self.has_begun = True
        commands = await self.tree.sync()
        bad = [{"name": "Bad Name", "description": "x"}]
        failed = await failure(self.http.bulk_upsert_global_commands(self.application_id, bad))
        guild = self.guilds[0]
        see("ready", user=self.user.name, guild=guild.name, channels=[channel.name for channel in guild.channels],
            commands=[command.name for command in commands], failed=failed)

    async def on_message(self, message):
        if message.author.id == self.user.id:
            return
        see("message", content=message.content, author=message.author.name,
            guild=message.guild.name if message.guild else None,
            to=str(message.reference.message_id) if message.reference else None,
            mentioned=self.user in message.mentions, files=len(message.attachments),
            thread=isinstance(message.channel, discord.Thread))
        deed = getattr(Deeds(), message.content.split(" ")[0], None)
        if deed is None:
            return
        try:
            see(deed.__name__, **await deed(message))
        except Exception:
            see(deed.__name__, error=traceback.format_exc())

    async def on_message_edit(self, before, after):
        if after.author.id != self.user.id:
            see("edited", before=before.content, content=after.content)

    async def on_raw_message_delete(self, payload):
        see("deleted", id=str(payload.message_id))

    async def on_raw_reaction_add(self, payload):
        if payload.user_id != self.user.id:
            see("reacted", emoji=payload.emoji.name, user=str(payload.user_id))

    async def on_raw_reaction_remove(self, payload):
        if payload.user_id != self.user.id:
            see("unreacted", emoji=payload.emoji.name, user=str(payload.user_id))

    async def on_typing(self, channel, user, when):
        if user.id != self.user.id:
            see("typing", user=str(user.id))

    async def on_thread_create(self, thread):
        see("thread_created", name=thread.name, isNew=True)

    async def on_guild_join(self, guild):
        see("joined", guild=guild.name)

    async def on_guild_remove(self, guild):
        see("left", guild=guild.name)

    async def on_resumed(self):
        see("resumed", shard=0)


client = Bot()


class Words(app_commands.Translator):
    async def translate(self, string, locale, context):
        if locale is discord.Locale.german:
            return {"ask": "frag", "Ask something": "Frag etwas"}.get(string.message)
        return None


@client.tree.command(name=app_commands.locale_str("ask"), description=app_commands.locale_str("Ask something"))
@app_commands.describe(question="What")
async def ask(interaction: discord.Interaction, question: str):
    reply = await interaction.response.defer()
    edited = await interaction.edit_original_response(content=f"you asked: {question}", view=Buttons())
    more = await interaction.followup.send("only you see this", ephemeral=True)
    route = discord.http.Route("POST", f"/interactions/{interaction.id}/{interaction.token}/callback")
    see("asked", locale=interaction.locale.value, guild=str(interaction.guild_id) if interaction.guild_id else None,
        user=interaction.user.name, content=edited.content, same=reply.message_id == edited.id,
        ephemeral=more.flags.ephemeral, again=await failure(client.http.request(route, json={"type": 5})))


@client.tree.command(description="For you only")
async def secret(interaction: discord.Interaction):
    await interaction.response.send_message("a secret", ephemeral=True)
    fetched = await interaction.original_response()
    see("told", content=fetched.content, ephemeral=fetched.flags.ephemeral)


@client.tree.error
async def failed(interaction, error):
    see("interaction_failed", error="".join(traceback.format_exception(error)))


async def main():
    discord.utils.setup_logging(level=logging.INFO)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    # Whoever started this ends it by closing its input.
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True).start()
    async with client:
        await client.tree.set_translator(Words())
        running = asyncio.create_task(client.start(os.environ.get("FAKE_WRONG_TOKEN") or os.environ["FAKE_TOKEN"]))
        await asyncio.wait([running, asyncio.create_task(ended.wait())], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()


asyncio.run(main())
