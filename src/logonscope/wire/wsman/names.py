"""WS-Management vocabulary: namespaces, actions, delivery modes and dialects, as the standards spell them."""

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ANONYMOUS = f"{ADDRESSING}/role/anonymous"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
EVENTING = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
WSMAN_ROOT = "http://schemas.dmtf.org/wbem/wsman/1"
WSMAN = f"{WSMAN_ROOT}/wsman.xsd"
DETAIL = f"{WSMAN_ROOT}/wsman/faultDetail"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
BINDING = f"{WSMAN_ROOT}/cimbinding.xsd"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/common"
CIM_SCHEMA = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"
CIM_ALL = "http://schemas.dmtf.org/wbem/wscim/1/*"
CLASSES = "http://schemas.dmtf.org/wbem/cim-xml/2/cim-schema/2/*"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
MICROSOFT_FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "http://www.w3.org/XML/1998/namespace"

GET, PUT, CREATE, DELETE = (f"{TRANSFER}/{verb}" for verb in ("Get", "Put", "Create", "Delete"))
ENUMERATE, PULL, RELEASE, RENEW, GET_STATUS = (
    f"{ENUMERATION}/{verb}" for verb in ("Enumerate", "Pull", "Release", "Renew", "GetStatus")
)
SUBSCRIBE, UNSUBSCRIBE, RENEW_SUBSCRIPTION, SUBSCRIPTION_STATUS, SUBSCRIPTION_END = (
    f"{EVENTING}/{verb}" for verb in ("Subscribe", "Unsubscribe", "Renew", "GetStatus", "SubscriptionEnd")
)
PUSH_MODE, PUSH_WITH_ACK_MODE, PULL_MODE = (
    f"{EVENTING}/DeliveryModes/Push", f"{WSMAN_ROOT}/wsman/PushWithAck", f"{WSMAN_ROOT}/wsman/Pull",
)  # fmt: skip
EVENTS_MODE = f"{WSMAN_ROOT}/wsman/Events"
"""The delivery mode with several events in a message, and the action of such a message (DSP0226 10.2.9.5)."""
EVENT, HEARTBEAT, DROPPED_EVENTS, ACK = (
    f"{WSMAN_ROOT}/wsman/{name}" for name in ("Event", "Heartbeat", "DroppedEvents", "Ack")
)

WSMAN_FAULT = f"{WSMAN_ROOT}/wsman/fault"
ADDRESSING_FAULT = f"{ADDRESSING}/fault"
ENUMERATION_FAULT = f"{ENUMERATION}/fault"
EVENTING_FAULT = f"{EVENTING}/fault"

WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
SELECTOR_FILTER = f"{WSMAN_ROOT}/wsman/SelectorFilter"
ASSOCIATION_FILTER = f"{WSMAN_ROOT}/cimbinding/associationFilter"

SHELLS = ("http://schemas.microsoft.com/wbem/wsman/1/windows/shell", "http://schemas.microsoft.com/powershell/")
"""Prefixes of the resource URIs of remote shells (MS-WSMV 2.2.4.1, MS-PSRP 2.2.1)."""

PORTS = {"http": 5985, "https": 5986}
"""The default ports of WinRM; MS-WSMV 2.1 leaves the port to the administrator."""

NAMESPACE = "__cimnamespace"
"""The name of the selector whose value is the namespace of a class (DSP0227 5.4)."""
