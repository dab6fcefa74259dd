const NAME = String.raw`\w(?:[\w.-]{0,94}\w)?`
const NOWHERE = String.raw`(?!.*(?:--|\.\.|\.git$))`

/**
 * A repository on the Hugging Face hub, `name` or `owner/name`, by the rules of huggingface_hub's validate_repo_id:
 * letters, digits, `_`, `-` and `.`, the last two neither first nor last; without `--` and `..`, and without `.git` at
 * the end.
 */
export const HUB_ID = new RegExp(`^${NOWHERE}(?:${NAME}/)?${NAME}$`)

/**
 * A name with its owner: how a data set is named, and a model in an experiment, where a bare name may be a preset with
 * a typing error.
 */
export const OWNED_HUB_ID = new RegExp(`^${NOWHERE}${NAME}/${NAME}$`)
