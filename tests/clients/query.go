// Sends a WQL query, and then a request for a remote shell, by masterzen/winrm; prints both answers.
//
// Arguments: basic or ntlm, port, file of the certificate or "" for no TLS, user, password, query.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/masterzen/winrm"
	"github.com/masterzen/winrm/soap"
)

const (
	enumerate = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
	all       = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*"
	wql       = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
)

type poster interface {
	winrm.Transporter
}

func main() {
	way, certificate, user, password, text := os.Args[1], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	port, _ := strconv.Atoi(os.Args[2])
	var ca []byte
	if certificate != "" {
		ca, _ = os.ReadFile(certificate)
	}
	endpoint := winrm.NewEndpoint("127.0.0.1", port, certificate != "", false, ca, nil, nil, 0)

	// The library itself only opens shells: its transport is caught on the way, and carries a query first.
	var transport poster = winrm.NewClientWithDial(nil)
	if way == "ntlm" {
		transport = winrm.NewClientNTLMWithDial(nil)
	}
	parameters := winrm.NewParameters("PT60S", "en-US", 153600)
	parameters.TransportDecorator = func() winrm.Transporter { return transport }
	client, err := winrm.NewClientWithParameters(endpoint, user, password, parameters)
	if err != nil {
		fmt.Println("no client:", err)
		os.Exit(1)
	}
	answer, err := transport.Post(client, query(text))
	fmt.Println(answer)
	fmt.Println("query:", err)
	answer, err = transport.Post(client, winrm.NewOpenShellRequest("http://windows-host:5985/wsman", parameters))
	fmt.Println("shell:", answer, err)
}

func query(text string) *soap.SoapMessage {
	message := soap.NewMessage()
	message.Header().To("http://windows-host:5985/wsman").Action(enumerate).ResourceURI(all).Id("uuid:1").
		ReplyTo("http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous").MaxEnvelopeSize(153600).
		Timeout("PT60S").Locale("en-US").Build()
	body := message.CreateBodyElement("Enumerate", soap.DOM_NS_ENUM)
	body.DeclareNamespace(soap.DOM_NS_ENUM)
	message.CreateElement(body, "OptimizeEnumeration", soap.DOM_NS_WSMAN_DMTF)
	message.CreateElement(body, "MaxElements", soap.DOM_NS_WSMAN_DMTF).SetContent("100")
	filter := message.CreateElement(body, "Filter", soap.DOM_NS_WSMAN_DMTF)
	filter.SetAttr("Dialect", wql)
	filter.SetContent(text)
	return message
}
