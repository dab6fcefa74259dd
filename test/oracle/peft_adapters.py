"""Adapters that Hugging Face peft trains for five steps on t5-nano, and the logits it then gives: fixtures/peft/.

    python test/oracle/peft_adapters.py
"""

import json
import shutil
from pathlib import Path

import peft
import torch
from safetensors.torch import save_file
from transformers import AutoModelForSeq2SeqLM

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "test/fixtures/peft"
COLUMNS = 64  # of the logits that are kept
SOURCE = torch.tensor([[13, 40, 7, 88, 21, 1], [9, 52, 33, 1, 0, 0]])
TARGET = torch.tensor([[31, 5, 60, 1], [17, 1, 0, 0]])

NORMS = ["layer_norm", "final_layer_norm"]
CASES = {
    "lora": peft.LoraConfig(r=2, lora_alpha=3, target_modules=["q", "v"], modules_to_save=NORMS),
    "dora": peft.LoraConfig(
        r=3, lora_alpha=5, use_dora=True, use_rslora=True, target_modules=r"decoder\.block\.[12]\..*\.(k|wi)"
    ),
    "lokr": peft.LoKrConfig(r=4, alpha=6, decompose_factor=8, target_modules=["q", "v"]),
    "vera": peft.VeraConfig(r=4, target_modules=["q", "wo"], projection_prng_key=11, vera_dropout=0.1),
    "ia3": peft.IA3Config(target_modules=["k", "v", "wo"], feedforward_modules=["wo"]),
    "layer-norms": peft.LNTuningConfig(target_modules=NORMS),
    "lora-head": peft.LoraConfig(r=2, lora_alpha=8, target_modules=["o", "lm_head"], lora_dropout=0.1),
}


def logits_of(model):
    decoder = torch.nn.functional.pad(TARGET[:, :-1], (1, 0))
    return model(input_ids=SOURCE, attention_mask=(SOURCE != 0).long(), decoder_input_ids=decoder).logits


def main():
    torch.set_num_threads(1)
    for name, config in CASES.items():
        torch.manual_seed(0)
        nano = AutoModelForSeq2SeqLM.from_pretrained(ROOT / "configs/backbones/t5-nano", dtype=torch.float32)
        model = peft.get_peft_model(nano, config)
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-2)
        model.train()
        for _ in range(5):
            loss = torch.nn.functional.cross_entropy(logits_of(model).flatten(0, 1), TARGET.flatten(), ignore_index=0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        folder = FIXTURES / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder, save_embedding_layers=False)
        (folder / "README.md").unlink()
        config_file = folder / "adapter_config.json"
        config_file.write_text(json.dumps(json.loads(config_file.read_text()) | {"base_model_name_or_path": "t5-nano"}, indent=2) + "\n")
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        with torch.no_grad():
            logits, bare = logits_of(model), None
            with model.disable_adapter():
                bare = logits_of(model)
        for file in folder.iterdir():
            file.chmod(0o644)
        print(name, "trained", trained, "loss", loss.item(), "moved", (logits - bare).abs().max().item())
        kept = {"logits": logits[..., :COLUMNS].contiguous()}
        save_file(kept, folder / "logits.safetensors", {"trained_parameters": str(trained)})


if __name__ == "__main__":
    main()
