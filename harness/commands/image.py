"""`harness image build` and `harness image info`."""

from __future__ import annotations

import click


@click.group("image")
def command() -> None:
    """The Caffe image."""


def _engine(name: str | None) -> str:
    from harness.engines.container import why_not
    from harness.engines.reference import CONTAINERS
    from harness.errors import EngineMissingError

    problems = []
    for cli in [name] if name else CONTAINERS:
        problem = why_not(cli, image="any")
        if problem is None:
            return cli
        problems.append(problem)
    raise EngineMissingError("; ".join(problems), fix="install docker or podman and start its daemon")


@command.command("build")
@click.option("--engine", type=click.Choice(["docker", "podman"]), help="default: the first that works")
@click.option("--base", metavar="IMAGE", help="base image; default: the one of docker/make-base, else Debian's")
@click.option("--snapshot", metavar="DATE", help="of Debian's snapshot archive, as 20260801T000000Z; empty for none")
def build(engine: str | None, base: str | None, snapshot: str | None) -> None:
    """Build it: about a minute, and a network that reaches Debian's packages."""
    from harness.engines import container

    cli = _engine(engine)
    for line in container.build(cli, base, snapshot):
        click.echo(line, err=True)
    click.echo(f"built {container.image_tag()}")


@command.command("info")
@click.option("--engine", type=click.Choice(["docker", "podman"]), help="default: the first that works")
@click.option("--image", metavar="NAME", help="another image than ours")
def info(engine: str | None, image: str | None) -> None:
    """What it is: name, id, versions, size."""
    from harness.engines import container

    for key, value in container.inspect(_engine(engine), image).items():
        click.echo(f"{key:<8} {value}")
