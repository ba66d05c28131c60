"""Reads a folder of runs as TensorBoard does and prints what it saw as JSON."""

import json
import sys
from pathlib import Path

import numpy
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util


def read(folder):
    run = event_accumulator.EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0, "tensors": 0})
    run.Reload()
    tags = run.Tags()
    seen = {"scalars": {}, "texts": {}, "images": {}, "histograms": {}, "settings": {}, "start": run.FirstEventTimestamp()}
    for tag in tags["scalars"]:
        seen["scalars"][tag] = [[event.step, event.value] for event in run.Scalars(tag)]
    for tag in tags["images"]:
        seen["images"][tag] = [
            [event.step, event.width, event.height, len(event.encoded_image_string)] for event in run.Images(tag)
        ]
    for tag in tags["tensors"]:
        summary = run.SummaryMetadata(tag)
        plugin = summary.plugin_data.plugin_name
        events = [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in run.Tensors(tag)]
        if plugin == "text":
            seen["texts"][tag] = [[step, array.item().decode()] for step, array in events]
        elif plugin == "histograms":
            seen["histograms"][tag] = [[step, numpy.asarray(array).tolist()] for step, array in events]
        elif plugin == metadata.PLUGIN_NAME and tag == metadata.SESSION_START_INFO_TAG:
            start = metadata.parse_session_start_info_plugin_data(summary.plugin_data.content)
            for name, value in start.hparams.items():
                seen["settings"][name] = getattr(value, value.WhichOneof("kind"))
            seen["group"] = start.group_name
        elif plugin == metadata.PLUGIN_NAME and tag == metadata.SESSION_END_INFO_TAG:
            seen["status"] = metadata.parse_session_end_info_plugin_data(summary.plugin_data.content).status
    return seen


def records(folder):
    """How many records each file has, every checksum of which is right."""
    return [sum(1 for _ in RawEventFileLoader(str(path)).Load()) for path in sorted(Path(folder).iterdir())]


print(json.dumps({"run": read(sys.argv[1]), "records": records(sys.argv[1])}))
