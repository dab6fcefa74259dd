"""Files of torch.save for the reader of src/format/torch/read.ts: one that is right, and hostile ones.

    python test/oracle/export_files.py
"""

import os
import zipfile
from collections import OrderedDict

import torch

from backbone import FIXTURES

FOLDER = FIXTURES / "export"


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/compacter-was-here",)


def main():
    FOLDER.mkdir(exist_ok=True)
    shared = torch.arange(12, dtype=torch.float32)
    state = OrderedDict(
        f32=torch.tensor([[1.5, -2.25, 3e38], [-0.0, 1e-45, 7]]),
        parameter=torch.nn.Parameter(torch.tensor([0.1, 0.2])),
        f16=torch.tensor([0.333251953125, -1], dtype=torch.float16),
        bf16=torch.tensor([3.140625], dtype=torch.bfloat16),
        scalar=torch.tensor(42.0),
        view=shared[4:8].view(2, 2),
        i64=torch.tensor([1]),
    )
    torch.save(state, FOLDER / "state_dict.bin")
    torch.save({"a": torch.ones(2, 3).t()}, FOLDER / "transposed.bin")
    torch.save({"a": torch.ones(1).expand(1000, 1000, 1000)}, FOLDER / "expanded.bin")
    torch.save({"a": Command()}, FOLDER / "command.bin")
    with zipfile.ZipFile(FOLDER / "state_dict.bin") as whole:
        with zipfile.ZipFile(FOLDER / "compressed.bin", "w", zipfile.ZIP_DEFLATED) as zipped:
            for name in whole.namelist():
                zipped.writestr(zipfile.ZipInfo(name), whole.read(name), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
