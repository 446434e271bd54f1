"""A language model on this machine: llama.cpp in a process of ours, by xllamacpp.

MIT, wheels for Linux, macOS and Windows, 34 MB, nothing to compile, no PyTorch. The small model beside it,
SmolLM2-135M (Apache 2.0, 98 MB), comes in a wheel too.
"""
