"""Adapters that the library adapters 1.2 trains for five steps on the small encoders, and the logits it then gives.

    python test/oracle/adapterhub_encoders.py        → fixtures/adapterhub/; needs adapters and transformers 4.57
"""

import json
import shutil

import adapters
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from backbone import FIXTURES

OUT = FIXTURES / "adapterhub"
CASES = {
    "bert-adapter": adapters.DoubleSeqBnConfig(reduction_factor=6),
    "roberta-compacter": adapters.CompacterConfig(phm_dim=4, phm_rank=2, reduction_factor=3),
    "distilbert-parallel": adapters.ParBnConfig(reduction_factor=6, leave_out=[1]),
    "xlm-roberta-adapter": adapters.SeqBnConfig(original_ln_before=False, reduction_factor=4, ln_after=True),
    "deberta-v2-adapter": adapters.DoubleSeqBnConfig(reduction_factor=4, non_linearity="gelu"),
    "electra-phm": adapters.CompacterConfig(phm_dim=2, reduction_factor=6, factorized_phm_W=False, shared_phm_rule=False),
}


def train(name, config):
    torch.manual_seed(0)
    model_type = name.rsplit("-", 1)[0]
    folder, out = FIXTURES / f"{model_type}-tiny", OUT / name
    model = AutoModelForSequenceClassification.from_pretrained(folder, ignore_mismatched_sizes=True, dtype=torch.float32)
    adapters.init(model)
    model.add_adapter("theirs", config=config)
    model.train_adapter("theirs")
    model.set_active_adapters("theirs")
    case = load_file(folder / "sequence.safetensors")
    batch = {key: case[key] for key in ("input_ids", "attention_mask", "token_type_ids") if key in case}
    long = {key: value.long() for key, value in batch.items()}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-2)
    for _ in range(5):
        loss = torch.nn.functional.cross_entropy(model(**long).logits, case["labels"].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    model.save_adapter(str(out), "theirs", with_head=True, use_safetensors=True)
    for file in out.glob("*.json"):
        written = json.loads(file.read_text()) | {"model_name": f"{model_type}-tiny"}
        file.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
    with torch.no_grad():
        save_file({"logits": model(**long).logits, **batch}, out / "logits.safetensors")
    for file in out.iterdir():
        file.chmod(0o644)
    print(name, "loss", loss.item())


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, config in CASES.items():
        train(name, config)
