"""docs/cluster.md has people type what there is."""

import re

from tests.deploy.files import manifest, typed
from tests.servers.containers import DEPLOY, compose


def test_commands_of_the_page_name_what_there_is() -> None:
    commands = "\n".join(typed())
    files = set(re.findall(r"infra/deploy/[\w./-]+", commands)) - {
        "infra/deploy/.env",
        "infra/deploy/tls",
    }
    assert len(files) > 5
    assert {file for file in files if not (DEPLOY.parent.parent / file).exists()} == set()
    made = set(re.findall(r"create secret generic (\S+)", commands))
    assert made == {"comfyd-secrets", "nats-secrets", "nats-tls"}
    volume = f"{compose('compose.cluster.yaml')['name']}_nats-2"
    assert f"docker volume rm {volume}\n" in commands
    assert "nats-2" in compose("compose.cluster.yaml")["volumes"]
    [claim] = manifest("StatefulSet", "nats")["spec"]["volumeClaimTemplates"]
    assert f"delete pvc {claim['metadata']['name']}-nats-1 " in commands
    certificate = next(
        line for line in commands.splitlines() if "certificates.sh tls nats " in line
    )
    assert "nats-2.nats-nodes" in certificate
