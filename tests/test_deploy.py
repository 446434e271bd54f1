"""What stands in deploy/ fits the program: our command line reads its lines, its settings exist, its keys are made."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from fablewright.entry.cli import app
from fablewright.entry.config import PREFIX, Settings
from fablewright.entry.crew import AGENTS

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text("utf-8"))
KUBERNETES: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
UNITS = sorted((DEPLOY / "systemd").glob("fablewright-[af]*.service"))


def unit_lines(unit: Path, key: str) -> list[str]:
    return re.findall(rf"(?m)^{key}=(.*)$", unit.read_text("utf-8").replace("%i", "haystack_pipeline"))


def ours() -> dict[str, tuple[list[str], str]]:
    """Return each command line of ours, and the seed that its process is given."""
    found = {}
    for name, service in COMPOSE["services"].items():
        if service["image"] == "fablewright":
            secret, *more = service["secrets"]
            file = COMPOSE["secrets"][secret["source"]]["file"]
            assert service["environment"]["FABLEWRIGHT_BUS_KEY"] == f"/run/secrets/{secret['target']}"
            assert bool(more) == ("FABLEWRIGHT_WORK" in service["environment"])
            for work in more:
                assert service["environment"]["FABLEWRIGHT_WORK_KEY"] == f"/run/secrets/{work['target']}"
                assert COMPOSE["secrets"][work["source"]]["file"] == "./keys/work.seed"
            found[f"compose: {name}"] = service["command"], Path(file).stem
    for each in KUBERNETES:
        if each["kind"] == "Deployment":
            pod = each["spec"]["template"]["spec"]
            (secret,) = [volume["secret"] for volume in pod["volumes"] if volume["name"] == "key"]
            found[f"kubernetes: {each['metadata']['name']}"] = (
                pod["containers"][0]["args"],
                Path(secret["items"][0]["key"]).stem,
            )
    for unit in UNITS:
        (command,), (key, *_) = unit_lines(unit, "ExecStart"), unit_lines(unit, "LoadCredential")
        found[f"systemd: {unit.stem}"] = shlex.split(command)[1:], Path(key).stem
    (cmd,) = re.findall(r"(?m)^CMD (.*)$", (DEPLOY / "Dockerfile").read_text("utf-8"))
    found["Dockerfile"] = json.loads(cmd), "crew"
    return found


def read(arguments: list[str]) -> dict[str, Any]:
    """Return what our command line makes of arguments; nothing is run."""
    main = typer.main.get_command(app)
    root = main.make_context("fablewright", list(arguments), obj=None)
    name, command, rest = main.resolve_command(root, [*root._protected_args, *root.args])  # type: ignore[attr-defined]
    return {"command": name, **command.make_context(name, rest, parent=root).params}


@pytest.mark.parametrize("where", sorted(ours()))
def test_command_lines_are_read_by_ours_and_have_the_key_of_their_role(where: str) -> None:
    arguments, seed = ours()[where]
    read_ = read(arguments)
    if read_["command"] == "serve":
        assert seed == "front"
    else:
        assert read_["command"] == "agent"
        assert seed == (read_["names"][0] if read_["names"] != ["all"] else "crew")
        assert set(read_["names"]) <= {*AGENTS, "all"}


def test_a_command_line_that_is_wrong_would_be_seen() -> None:
    for wrong in (["serve", "--prot", "1"], ["agnet", "all"], ["agent", "all", "--replicas", "no"]):
        with pytest.raises(typer.BadParameter.__bases__[0]):
            read(wrong)


def test_an_agent_that_every_scene_needs_is_started_everywhere() -> None:
    needed = {"haystack_pipeline", "scenario_generator", "orchestrator", "campaign_memory", "front"}
    for kind in ("compose", "kubernetes"):
        assert {name.partition(": ")[2].replace("-", "_") for name in ours() if name.startswith(kind)} == needed


def test_who_serves_people_and_who_makes_late_scenes_keeps_them_durably() -> None:
    for name in ("front", "orchestrator"):
        assert "FABLEWRIGHT_WORK" in COMPOSE["services"][name]["environment"]
        (pod,) = [
            each["spec"]["template"]["spec"]["containers"][0]
            for each in KUBERNETES
            if (each["kind"], each["metadata"]["name"]) == ("Deployment", name)
        ]
        assert {one["name"] for one in pod["env"]} == {"FABLEWRIGHT_WORK", "FABLEWRIGHT_WORK_KEY"}


def test_every_setting_exists() -> None:
    files = [file for file in DEPLOY.rglob("*") if file.suffix in {".yml", ".yaml", ".service", ""} and file.is_file()]
    named = {name for file in files for name in re.findall(rf"\b{PREFIX}[A-Z_]+\b", file.read_text("utf-8"))}
    assert {name.removeprefix(PREFIX).lower() for name in named} <= {*Settings.__struct_fields__}
    assert {"FABLEWRIGHT_BUS", "FABLEWRIGHT_BUS_KEY", "FABLEWRIGHT_BUS_CA", "FABLEWRIGHT_STATE"} <= named


def test_what_the_cluster_mounts_is_where_the_settings_say() -> None:
    (settings,) = [each["data"] for each in KUBERNETES if each["kind"] == "ConfigMap"]
    for each in KUBERNETES:
        if each["kind"] != "Deployment":
            continue
        pod = each["spec"]["template"]["spec"]
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert mounts.keys() == {volume["name"] for volume in pod["volumes"]}
        assert settings["FABLEWRIGHT_BUS_KEY"] == f"{mounts['key']}/seed"
        assert settings["FABLEWRIGHT_BUS_CA"] == f"{mounts['ca']}/ca.pem"
        own = {one["name"]: one["value"] for one in pod["containers"][0].get("env", ())}
        (keys,) = [volume["secret"]["items"] for volume in pod["volumes"] if volume["name"] == "key"]
        assert bool(own) == ({"key": "work.seed", "path": "work"} in keys)
        assert own.get("FABLEWRIGHT_WORK_KEY", f"{mounts['key']}/work") == f"{mounts['key']}/work"
        assert each["spec"]["selector"]["matchLabels"] == each["spec"]["template"]["metadata"]["labels"]
    services = {each["metadata"]["name"] for each in KUBERNETES if each["kind"] == "Service"}
    assert services == {"nats", "front"}
    assert not any(service.startswith("fablewright") for service in services)  # its variables would be no settings


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("no systemd here")
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = re.sub(r"(?m)^(ExecStart|ExecReload)=\S+", rf"\1={sys.executable}", unit.read_text("utf-8"))
        text = re.sub(r"(?m)^User=.*$", "User=root", text)  # whom the machine that it runs on has
        (tmp_path / unit.name.replace("@", "@writer")).write_text(text, "utf-8")
    files = [str(file) for file in sorted(tmp_path.iterdir())]
    told = subprocess.run([tool, "verify", "--man=no", *files], capture_output=True, text=True, check=False, timeout=60)
    about_ours = [line for line in told.stderr.splitlines() if "fablewright" in line]
    assert about_ours == []
    broken = tmp_path / "fablewright-broken.service"
    broken.write_text("[Service]\nExecStart=/bin/true\nRestrat=always\n", "utf-8")
    told = subprocess.run([tool, "verify", "--man=no", str(broken)], capture_output=True, text=True, check=False)
    assert "Restrat" in told.stderr


def test_what_is_acknowledged_survives_a_power_cut_as_the_page_says() -> None:
    (block,) = re.findall(r"(?s)^jetstream \{.*?^\}", (DEPLOY / "nats.conf").read_text("utf-8"), re.MULTILINE)
    assert re.search(r"(?m)^ *sync_interval: always\b", block)


def test_keys_are_not_made_where_their_library_is_missing() -> None:
    program = f"import runpy, sys; sys.modules['nkeys'] = None; runpy.run_path({str(DEPLOY / 'make_keys.py')!r})"
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (1, "nkeys is not installed; run: pip install 'fablewright[nats]'\n")
