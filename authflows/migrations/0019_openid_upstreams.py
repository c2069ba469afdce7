from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("authflows", "0017_designs"),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='method',
            field=models.CharField(default='mitid', help_text='what a relying party selects it by; the claim `idp`', max_length=30),
        ),
        migrations.AddField(
            model_name='connection',
            name='settings',
            field=models.JSONField(default=dict, help_text='what its kind needs to know; never a secret: upstream.oidc.settings'),
        ),
        migrations.AddField(
            model_name='connectiongrant',
            name='credentials',
            field=models.BinaryField(help_text="the client's secret or private key at the upstream, in the tenant's vault", null=True),
        ),
        migrations.AlterField(
            model_name='relyingparty',
            name='methods',
            field=models.JSONField(default=list, help_text='names of methods; empty: all that the environment is granted'),
        ),
        migrations.AlterField(
            model_name='coresession',
            name='core_id',
            field=models.CharField(blank=True, help_text='what the core calls it; of an upstream, its request_uri', max_length=255),
        ),
    ]
