"""The container recipe keeps everything on its volume. The program runs with its variables, without a container."""

import re
from pathlib import Path

from tests.conftest import Shell
from tests.support.expect import contents

RECIPE = (Path(__file__).parents[2] / "examples" / "container" / "Containerfile").read_text().replace("\\\n", " ")


def words(instruction: str) -> list[str]:
    return [word for found in re.findall(rf"^{instruction} (.*)$", RECIPE, re.MULTILINE) for word in found.split()]


def test_the_container_keeps_replica_and_state_on_its_volume(shell: Shell, tmp_path: Path) -> None:
    [place] = words("VOLUME")
    volume = tmp_path / "volume"
    volume.mkdir()
    variables = dict(word.split("=", 1) for word in words("ENV"))
    assert all(path == place or path.startswith(f"{place}/") for path in variables.values())
    inside = {name: path.replace(place, str(volume), 1) for name, path in variables.items()}
    container = Shell(volume, {**shell.environment, **inside})
    before = contents(tmp_path / "home")
    container.ok("init")
    container.ok("increment", "builds", "3")
    assert container.ok("show", "builds") == "3\n"
    container.ok("check")
    assert {one.name for one in volume.iterdir()} == {"replica", "state"}
    assert contents(tmp_path / "home") == before


def test_the_container_runs_the_program_as_the_owner_of_the_volume() -> None:
    assert words("ENTRYPOINT") == ['["crdtctl"]']
    [user] = words("USER")
    assert int(user) > 0
    assert f"-o {user} -g {user} /data" in " ".join(RECIPE.split())
