"""Adapters that Hugging Face peft trains for five steps on the small encoders, and the logits it then gives.

    python test/oracle/peft_encoders.py        → fixtures/peft/encoders/
"""

import json
import shutil

import peft
import torch
from safetensors.torch import save_file

from backbone import FIXTURES
from encoders import CLASSES, CONFIGS, batch_of

OUT = FIXTURES / "peft/encoders"
HEADS = {"distilbert": ["pre_classifier", "classifier"], "modernbert": ["head", "classifier"]}
CASES = {
    "bert-lora": peft.LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=3, target_modules=["query", "value"]),
    "roberta-dora": peft.LoraConfig(
        task_type="SEQ_CLS", r=3, lora_alpha=5, use_dora=True, target_modules=["key", "intermediate.dense"], modules_to_save=["LayerNorm"]
    ),
    "distilbert-ia3": peft.IA3Config(
        task_type="SEQ_CLS", target_modules=["k_lin", "lin2"], feedforward_modules=["lin2"], modules_to_save=HEADS["distilbert"]
    ),
    "modernbert-lora": peft.LoraConfig(
        task_type="SEQ_CLS", r=2, lora_alpha=4, target_modules=["Wqkv", "mlp.Wo"], modules_to_save=HEADS["modernbert"]
    ),
    "electra-lokr": peft.LoKrConfig(task_type="SEQ_CLS", r=2, alpha=3, target_modules=["query", "value"]),
    "xlm-roberta-vera": peft.VeraConfig(task_type="SEQ_CLS", r=4, target_modules=["query", "value"], projection_prng_key=11),
    "bert-layer-norms": peft.LNTuningConfig(task_type="SEQ_CLS", target_modules=["LayerNorm"]),
}


def train(name, config):
    torch.manual_seed(0)
    model_type = name.rsplit("-", 2 if name.endswith("norms") else 1)[0]
    bare = CLASSES["sequence"].from_pretrained(FIXTURES / f"{model_type}-tiny", ignore_mismatched_sizes=True, dtype=torch.float32)
    batch, labels = batch_of(CONFIGS[model_type])
    long = {key: value.long() for key, value in batch.items()}
    model = peft.get_peft_model(bare, config)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-2)
    model.train()
    for _ in range(5):
        loss = torch.nn.functional.cross_entropy(model(**long).logits, labels["sequence"].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink()
    config_file = folder / "adapter_config.json"
    written = json.loads(config_file.read_text()) | {"base_model_name_or_path": f"{model_type}-tiny"}
    config_file.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    with torch.no_grad():
        kept = {"logits": model(**long).logits, **batch}
    save_file(kept, folder / "logits.safetensors", {"trained_parameters": str(trained)})
    for file in folder.iterdir():
        file.chmod(0o644)
    print(name, "trained", trained, "loss", loss.item())


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, config in CASES.items():
        train(name, config)
