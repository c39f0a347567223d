"""__NAMESPACE: the namespaces inside a namespace."""

from logonscope.providers.helpers.provider import Provider, column

PROVIDER = Provider(
    subject="namespace", columns={"Name": column(lambda name, _: name, "the namespaces in the schema's MOF files")}
)
