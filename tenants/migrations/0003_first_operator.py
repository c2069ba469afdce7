from django.db import migrations


def seed(apps, schema_editor):
    """One operator to begin with (decision 18). Its name, CVR and bank are the installation's to fill in before it issues anything."""
    operator = apps.get_model("tenants", "Operator")
    if not operator.objects.exists():
        operator.objects.create(name="Operator")


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_isolation")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=False)]
