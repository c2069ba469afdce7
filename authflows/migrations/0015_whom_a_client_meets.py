from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("authflows", "0014_simulated_people"),
    ]

    operations = [
        migrations.AddField(
            model_name='coresession',
            name='cpr_tries',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='CPR numbers that were tried in it'),
        ),
        migrations.AddField(
            model_name='login',
            name='sealed',
            field=models.BinaryField(help_text="who logged in, sealed to the cookie's secret, while a choice of theirs is awaited", null=True),
        ),
        migrations.AddField(
            model_name='relyingparty',
            name='cpr_business',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='relyingparty',
            name='cpr_optional',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='relyingparty',
            name='identities',
            field=models.CharField(db_default='private', default='private', max_length=10),
        ),
        migrations.AddField(
            model_name='relyingparty',
            name='risk_basis',
            field=models.CharField(blank=True, db_default='', max_length=300),
        ),
    ]
