"""One process of the rotation test: opens and closes secrets, and opens tenants, until it is told to stop; prints what it did as JSON.

Each round forgets its data keys, so that each round needs a master key; a real process needs one once in its life.
"""

import json
import sys
import threading
import uuid

import django


def rounds(tenant_ids: list[uuid.UUID], stop: threading.Event, told: dict[str, list[str]]) -> None:
    from tenants import vault

    row = uuid.uuid4()
    kept = [(tenant, vault.encrypt(tenant, "notes", "text", row, str(tenant).encode())) for tenant in tenant_ids]
    while not stop.is_set():
        for tenant, ciphertext in kept:
            vault._open.clear()
            try:
                assert vault.decrypt(tenant, "notes", "text", row, ciphertext) == str(tenant).encode()
                vault._open.clear()
                fresh = vault.encrypt(tenant, "notes", "text", row, b"fresh")
                assert vault.decrypt(tenant, "notes", "text", row, fresh) == b"fresh"
                told["done"].append("round")
            except Exception as error:
                told["failed"].append(repr(error))


def newcomers(operator_id: uuid.UUID, stop: threading.Event, told: dict[str, list[str]]) -> None:
    from tenants import tenancy
    from tenants.models import Operator

    operator = Operator.objects.get(id=operator_id)
    while not stop.wait(0.05):
        try:
            opened = tenancy.open_tenant(operator, f"kommune-{uuid.uuid4().hex[:12]}", "Ny kommune")
            told["opened"].append(str(opened.tenant.id))
        except Exception as error:
            told["failed"].append(repr(error))


def main() -> None:
    django.setup()
    operator_id, *tenant_ids = [uuid.UUID(text) for text in sys.argv[2:]]
    stop = threading.Event()
    told: dict[str, list[str]] = {"done": [], "failed": [], "opened": []}
    work = [threading.Thread(target=rounds, args=(tenant_ids, stop, told)) for _ in range(2 if sys.argv[1] == "web" else 1)]
    if sys.argv[1] == "worker":
        work.append(threading.Thread(target=newcomers, args=(operator_id, stop, told)))
    for thread in work:
        thread.start()
    print("ready", flush=True)
    sys.stdin.readline()
    stop.set()
    for thread in work:
        thread.join()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
