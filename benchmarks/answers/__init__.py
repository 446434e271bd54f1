"""How good answers are without a model: asked of the whole assistant, judged by rules that a person wrote."""
