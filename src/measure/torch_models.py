"""transformers' models with random weights for torch_step.py: what a batch of them is, and its loss."""

import torch
import transformers

import torch_encoders
import torch_methods


def build(spec):
    """A T5, or an encoder with a head for texts, in training mode."""
    backbone = spec["backbone"]
    if backbone.get("model_type") in torch_encoders.LAYOUTS:
        config = transformers.AutoConfig.for_model(**backbone)
        return transformers.AutoModelForSequenceClassification.from_config(config).train()
    model = transformers.T5ForConditionalGeneration(transformers.T5Config(**backbone)).train()
    if spec["own_head"]:
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.shared.weight))
    return model


def ids(rows, length, vocabulary):
    return (2 + torch.arange(rows * length) * 7919 % (vocabulary - 2)).reshape(rows, length)


def batch_of(spec, model):
    """A batch without padding: a source and a target, or texts with labels in turn."""
    rows, vocabulary, source_length = spec["batch_size"], model.config.vocab_size, spec["source_length"]
    if not torch_encoders.is_encoder(model):
        return [ids(rows, length, vocabulary) for length in (source_length, spec["target_length"])]
    source = ids(1, source_length, vocabulary).expand(rows, -1)
    batch = {"input_ids": source, "attention_mask": torch.ones_like(source)}
    if getattr(model.config, "type_vocab_size", 0) > 1:
        batch["token_type_ids"] = torch.zeros_like(source)
    return batch | {"labels": torch.arange(rows) % model.config.num_labels}


def loss_of(model, added, batch):
    """Mean cross-entropy; the mask goes along as for padded rows. `added` may hold a prompt."""
    if torch_encoders.is_encoder(model):
        return model(**torch_encoders.with_prompt(added, batch)).loss
    source, target = batch
    embedded, mask = torch_methods.with_prompt(added, model.shared(source).float(), torch.ones_like(source))
    before = torch.nn.functional.pad(target[:, :-1], (1, 0))  # float32 states, whatever the table is kept in
    states = model.shared(before).float()
    return model(inputs_embeds=embedded, attention_mask=mask, decoder_inputs_embeds=states, labels=target).loss
