//! `loquat-train`. In: a recipe. Out: a training set, a model, a report of how good it is, an ONNX folder. Everything it does is in the
//! crates below `training/`; here they are put together with the bot's own parts.

fn main() -> anyhow::Result<()> {
    anyhow::bail!("no command yet")
}
