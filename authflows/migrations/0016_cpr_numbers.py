import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.ids
import tenants.models.owned
from django.db import migrations, models

from tenants.isolation import Isolate


class Migration(migrations.Migration):

    dependencies = [
        ('authflows', '0015_whom_a_client_meets'),
        ('tenants', '0003_first_operator'),
    ]

    operations = [
        migrations.CreateModel(
            name='CprConsent',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('environment_id', models.UUIDField(editable=False)),
                ('relying_party_id', models.UUIDField(editable=False)),
                ('login_id', models.UUIDField(help_text='the Login in which it was given; no reference: that may go first')),
                ('key', models.BinaryField(help_text='as Subject.key', max_length=32)),
                ('language', models.CharField(max_length=2)),
                ('title', models.TextField(help_text='as it was shown')),
                ('text', models.TextField(help_text='as it was shown')),
                ('remembers', models.BooleanField(help_text='whether remembering was agreed to')),
                ('given_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('relying_party', tenants.models.owned.TenantRef(cascades=False, column='relying_party_id', from_fields=['tenant', 'relying_party_id'], on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='authflows.relyingparty', to_fields=['tenant', 'id'])),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['tenant', 'environment_id', 'key'], name='authflows_cprconsent_person')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'id'), name='authflows_cprconsent_key')],
            },
        ),
        migrations.CreateModel(
            name='RememberedCpr',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('environment_id', models.UUIDField(editable=False)),
                ('key', models.BinaryField(help_text='as Subject.key', max_length=32)),
                ('consent_id', models.UUIDField(editable=False)),
                ('cpr', models.BinaryField(help_text='ten digits, encrypted by the vault')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('used_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('consent', tenants.models.owned.TenantRef(cascades=False, column='consent_id', from_fields=['tenant', 'consent_id'], on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='authflows.cprconsent', to_fields=['tenant', 'id'])),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['tenant', 'expires_at'], name='authflows_rememberedcpr_over')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'id'), name='authflows_rememberedcpr_key'), models.UniqueConstraint(fields=('tenant', 'environment_id', 'key'), name='authflows_rememberedcpr_person')],
            },
        ),
        Isolate(['CprConsent', 'RememberedCpr']),
    ]
