"""__NAMESPACE: which namespaces are inside this one?"""

from logonscope.providers.helpers.provider import Provider, column

PROVIDER = Provider(
    subject="namespace", columns={"Name": column(lambda name, _: name, "the namespaces that the schema's files name")}
)
