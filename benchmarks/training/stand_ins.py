"""Stand-ins for the CUDA libraries that PyPI's wheel of PyTorch is linked to: 1.3 GB instead of 5 for a Python that only computes on the CPU.

In: the folder of an installed `torch`. Out: shared libraries in `nvidia/cu13/lib` beside it, where the wheel looks, with the names
that are asked of them; every function of them returns 0. The wheel's own code for the CPU is untouched. CUDA's run time itself
and CUPTI are small and are the real ones. Needs `cc` and `nm`, as Rust's linker does.
"""

import pathlib
import re
import subprocess
import sys
import tempfile


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(library):
    """The libraries that one is linked to, by name."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", library))


def undefined(library):
    """Pairs of symbol and version, the latter empty where there is none."""
    lines = output("nm", "-D", "--undefined-only", "--with-symbol-versions", library).splitlines()
    return {tuple((line.split()[-1] + "@").replace("@@", "@").split("@")[:2]) for line in lines}


def build(name, versions, folder):
    """A library called `name` that has the symbols, each under its version."""
    with tempfile.TemporaryDirectory() as scratch:
        source, script = pathlib.Path(scratch, "stand_in.c"), pathlib.Path(scratch, "versions")
        symbols = sorted({symbol for those in versions.values() for symbol in those})
        source.write_text("".join(f"long {symbol}(void) {{ return 0; }}\n" for symbol in symbols))
        script.write_text("".join(f"{version} {{ global: {''.join(s + '; ' for s in sorted(those))}}};\n"
                                  for version, those in versions.items() if version))
        versioned = [f"-Wl,--version-script={script}"] if script.stat().st_size else []
        subprocess.run(["cc", "-w", "-fno-builtin", "-shared", "-fPIC", source, f"-Wl,-soname,{name}", *versioned, "-o", folder / name],
                       check=True)


def main():
    torch = pathlib.Path(sys.argv[1])
    target = torch.parent / "nvidia" / "cu13" / "lib"
    target.mkdir(parents=True, exist_ok=True)
    own = {path.name for path in torch.glob("lib/*.so*")}
    missing, symbols = set(), set()
    for library in sorted(torch.glob("lib/libtorch*.so")) + sorted(torch.glob("lib/libc10*.so")):
        asked = [name for name in needed(library) if name not in own]
        missing |= {name for name in asked if re.match(r"lib(cu|nv|nccl)", name) and not (target / name).exists()}
        symbols |= undefined(library)
    for name in sorted(missing):
        stem = re.match(r"lib([A-Za-z]+)", name)[1].lower()
        prefixes = {"cublaslt": "cublasLt", "cusparselt": "cusparseLt", "cufile": "cuFile", "nvshmem": "nvshmem"}
        prefix = prefixes.get(stem, stem)
        longer = [other for other in prefixes.values() if other.startswith(prefix) and other != prefix]
        versions = {}
        for symbol, version in symbols:
            if symbol.startswith(prefix) and not symbol.startswith(tuple(longer)):
                versions.setdefault(version, set()).add(symbol)
        build(name, versions, target)


main()
