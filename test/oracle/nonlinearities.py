"""Values and derivatives of PyTorch's and transformers' activations → test/fixtures/nonlinearities.safetensors."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers.activations import ACT2FN

NAMES = ["gelu_new", "gelu", "quick_gelu", "relu", "relu6", "leaky_relu", "swish", "mish", "tanh", "sigmoid", "linear"]
FUNCTIONS = {name: ACT2FN[name] for name in NAMES} | {"elu": torch.nn.functional.elu}


def main():
    generator = torch.Generator().manual_seed(7)
    near = 3 * torch.randn(60, generator=generator)
    far = torch.tensor([-60.0, -20.0, -9.0, -6.5, -1e-3, 1e-3, 5.9, 6.1, 9.0, 20.0, 60.0])
    x = torch.cat([near, far])
    tensors = {"x": x}
    for name, function in FUNCTIONS.items():
        leaf = x.clone().requires_grad_()
        value = function(leaf)
        (derivative,) = torch.autograd.grad(value.sum(), leaf)
        tensors |= {f"value/{name}": value.detach().clone(), f"derivative/{name}": derivative.contiguous()}
    path = Path(__file__).parent.parent / "fixtures/nonlinearities.safetensors"
    save_file(tensors, path)
    path.chmod(0o644)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
