"""The files to pull are chosen from a repository's listing."""

from __future__ import annotations

import pytest

from vflow import Unavailable
from vflow.models.hub_selection import is_plain, matching, needed

NAME = "somebody/speaks-1.5"


def chosen(*files: str) -> set[str]:
    return set(needed(NAME, ("config.json", *files))) - {"config.json"}


def test_voxtrals_own_files_are_chosen_without_the_weights_in_another_format() -> None:
    shards = {f"model-0000{n}-of-00002.safetensors" for n in (1, 2)}
    index = {"model.safetensors.index.json"}
    texts = {"README.md", "generation_config.json", "params.json", "preprocessor_config.json", "tekken.json"}
    assert chosen(*shards, *index, *texts, "consolidated.safetensors", ".gitattributes") == (
        shards | index | texts
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("model.safetensors pytorch_model.bin model.gguf onnx/model.onnx", "model.safetensors"),
        ("model.safetensors original/model.safetensors original/params.json", "model.safetensors"),
        ("model.safetensors model.fp16.safetensors", "model.safetensors"),
        ("pytorch_model.bin training_args.bin optimizer.pt", "pytorch_model.bin"),
        (
            "pytorch_model.bin.index.json pytorch_model-00001-of-00001.bin tf_model.h5",
            "pytorch_model.bin.index.json pytorch_model-00001-of-00001.bin",
        ),
        ("pytorch_model.bin.index.json model.safetensors", "model.safetensors"),
        ("consolidated.safetensors LICENSE", "consolidated.safetensors LICENSE"),
        (
            "model.safetensors chat_template.jinja additional_chat_templates/rag.jinja modeling_own.py a.png",
            "model.safetensors chat_template.jinja additional_chat_templates/rag.jinja",
        ),
        ("model.safetensors ../../evil.json /etc/evil.json a/b.json ..json", "model.safetensors"),
        (
            "model.safetensors tokenizer.model merges.txt LICENSE.txt NOTICE",
            "model.safetensors tokenizer.model merges.txt LICENSE.txt NOTICE",
        ),
    ],
)
def test_needed_files_are_chosen_and_none_twice(files: str, expected: str) -> None:
    assert chosen(*files.split()) == set(expected.split())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            "config.json a.Q4.gguf b/a.Q8.gguf",
            "holds no weights that transformers loads (2 .gguf); take a repository with safetensors, or name "
            f"the files that you want: vflow models pull {NAME} --file '*.gguf'",
        ),
        ("config.json", "holds no weights that transformers loads (none at all); "),
        (
            "voices.bin model.onnx model_q4.onnx a.pt",
            "holds no config.json, so it is no model for transformers; name the files that you want: "
            f"vflow models pull {NAME} --file '*.onnx'",
        ),
        ("README.md", "holds no config.json"),
        ("model.safetensors", "holds no config.json"),
    ],
)
def test_a_repository_that_is_no_model_says_what_it_has_and_how_to_get_it(files: str, said: str) -> None:
    with pytest.raises(Unavailable) as caught:
        needed(NAME, files.split())
    assert str(caught.value).startswith(f"{NAME} {said}")


SIZES = {f"onnx/model_{n}.onnx": n for n in range(5)} | {"model.onnx": 9, "voices/af.bin": 3, "README.md": 7}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("model.onnx", "model.onnx"),
        ("*model.onnx README.md README.md", "model.onnx README.md"),
        ("*_[12].onnx voices/*", "onnx/model_1.onnx onnx/model_2.onnx voices/af.bin"),
        ("*", " ".join(SIZES)),
    ],
)
def test_files_are_chosen_by_patterns(patterns: str, expected: str) -> None:
    assert set(matching(NAME, SIZES, patterns.split())) == set(expected.split())


def test_a_pattern_that_matches_nothing_is_an_error_with_the_largest_files() -> None:
    with pytest.raises(Unavailable) as caught:
        matching(NAME, SIZES, ["*.onnx", "*.GGUF"])
    there = "model.onnx, README.md, onnx/model_4.onnx, onnx/model_3.onnx, voices/af.bin"
    assert str(caught.value) == f"no file of {NAME} matches '*.GGUF'; it holds {there} and 3 more"
    with pytest.raises(Unavailable, match=r"matches 'x'; it holds a$"):
        matching(NAME, {"a": 1}, ["x"])
    with pytest.raises(Unavailable, match=r"it holds no file at all$"):
        matching(NAME, {}, ["x"])


@pytest.mark.parametrize("name", ["model.onnx", "onnx/a b.onnx", "模型.onnx", ".gitattributes", "a..b"])
def test_names_of_files_below_a_folder_are_plain(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/.",
        "a\\..\\b",
        "C:a",
        "\x1b[31m",
        "a\nb",
        "\u202egnp.exe",
        "\ud800",
    ],
)
def test_names_that_leave_the_folder_or_move_the_cursor_are_not(name: str) -> None:
    assert not is_plain(name)
