"""LS_SessionUserManager: the user manager that runs the applications of a desktop login."""

from logonscope.providers.helpers.provider import End, Provider, column

PROVIDER = Provider(
    subject="desktop",
    columns={
        "Antecedent": column(
            lambda manager, *_: ("LS_LogonSession", manager.logon_id), "the login of class manager with the same uid"
        ),
        "Dependent": column(
            lambda _, __, desktop, *___: ("LS_LogonSession", desktop.logon_id),
            "a login whose type is x11, wayland or mir",
        ),
    },
    ends={"Antecedent": End("logon session", slice(0, 2)), "Dependent": End("logon session", slice(2, 4))},
)
