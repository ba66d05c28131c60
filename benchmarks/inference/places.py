"""Where the files are that both benchmarks use. In: the environment. Out: paths of the GGUF file, the ONNX folders, the runtime."""

import glob
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "inference-bench"
CACHE = pathlib.Path(os.environ["LOQUAT_CACHE"])


def newest(pattern):
    """The last of the files that match; ends with advice where there is none."""
    found = sorted(glob.glob(str(CACHE / pattern)))
    if not found:
        sys.exit(f"nothing matches {CACHE / pattern}; start the bot once (`cargo run --release`), which fetches the models")
    return pathlib.Path(found[-1])


def gguf():
    """The default model as it was fetched."""
    return newest("smollm2-135m-instruct/*/*.gguf")


def shipped():
    """The default model as the bot runs it."""
    named = os.environ.get("MODEL")
    return pathlib.Path(named) if named else newest("models/smollm2-135m-instruct-*-int4/genai_config.json").parent


def library():
    """The ONNX Runtime that the bot loads."""
    return newest("onnxruntime/*/libonnxruntime.so*")


def export(kind):
    """An export of the GGUF file, made anew when the exporter has changed."""
    convert = ROOT / "target" / "release" / "examples" / "convert"
    folder = WORK / kind
    made = folder / "loquat.json"
    if not made.is_file() or made.stat().st_mtime < convert.stat().st_mtime:
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([str(convert), str(gguf()), str(folder), kind], check=True, stderr=subprocess.DEVNULL)
    return folder
