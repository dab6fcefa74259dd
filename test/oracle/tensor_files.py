"""Makes the fixtures of the safetensors tests with the Python library.

    python test/oracle/tensor_files.py write test/fixtures        # dtypes.safetensors, safetensors.json
    python test/oracle/tensor_files.py read FILE                  # prints what the Python library reads in a file of ours
"""
import hashlib
import json
import pathlib
import sys

import numpy
import torch
from safetensors import safe_open
from safetensors.torch import save_file


def every_half():
    return torch.arange(65536, dtype=torch.int32).to(torch.uint16)


def write(folder):
    tensors = {
        "f32": torch.tensor([[1.5, -2.25, 3e38], [1e-45, float("inf"), -0.0]]),
        "f16": torch.tensor([[[65504.0, 6e-8], [-1.0, 0.333251953125]]], dtype=torch.float16),
        "bf16": torch.tensor([3.140625, -1e38, 1e-40], dtype=torch.bfloat16),
        "i64": torch.tensor([[1, -2], [2147483647, -2147483648]], dtype=torch.int64),
        "i64 too large": torch.tensor([2147483648], dtype=torch.int64),
        "i32": torch.tensor([7, -7], dtype=torch.int32),
        "bool": torch.tensor([True]),
        "scalar": torch.tensor(42.0),
        "empty": torch.zeros([0, 5]),
        "名前": torch.tensor([1.0]),
    }
    save_file(tensors, folder / "dtypes.safetensors", metadata={"format": "pt", "note": "naïve \"quoted\""})
    halves = {"f16": every_half().view(torch.float16), "bf16": every_half().view(torch.bfloat16)}
    # The bits that PyTorch converts each of the 65,536 halves to; NaN payloads are the hardware's, so kept out.
    digests = {}
    for name, half in halves.items():
        values = half.float().numpy().copy()
        values[numpy.isnan(values)] = numpy.nan
        digests[name] = hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()
    nano = {}
    with safe_open(folder.parent.parent / "configs/backbones/t5-nano/model.safetensors", "pt") as file:
        for name in sorted(file.keys()):
            values = file.get_tensor(name).float().contiguous().numpy()
            nano[name] = [*values.shape, hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()[:16]]
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in nano.items())
    text = json.dumps({"halves": digests})[:-1] + ', "t5-nano": {\n' + lines + "\n}}\n"
    (folder / "safetensors.json").write_text(text)


def read(path):
    with safe_open(path, "pt") as file:
        print(json.dumps(file.metadata()))
        for name in file.keys():
            tensor = file.get_tensor(name)
            print(json.dumps([name, str(tensor.dtype), list(tensor.shape), tensor.flatten().tolist()], ensure_ascii=False))


if sys.argv[1] == "write":
    write(pathlib.Path(sys.argv[2]).resolve())
else:
    read(sys.argv[2])
