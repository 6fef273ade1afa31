// get_report DATA: a report over 64 bytes (in hex) by go-configfs-tsm, to standard output; what it says of it to standard error.
package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/google/go-configfs-tsm/configfs/linuxtsm"
	"github.com/google/go-configfs-tsm/report"
	"github.com/google/go-configfs-tsm/rtmr"
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	data, err := hex.DecodeString(os.Args[1])
	if err != nil {
		fail(err)
	}
	client, err := linuxtsm.MakeClient()
	if err != nil {
		fail(err)
	}
	got, err := report.Get(client, &report.Request{InBlob: data})
	if err != nil {
		fail(err)
	}
	fmt.Fprintf(os.Stderr, "provider %q, auxblob of %d bytes\n", got.Provider, len(got.AuxBlob))
	os.Stdout.Write(got.OutBlob)

	// Two instances at once: each has its own report.
	first, err := report.Create(client, &report.Request{InBlob: data})
	if err != nil {
		fail(err)
	}
	other := bytes.Repeat([]byte{0x5a}, len(data))
	second, err := report.Get(client, &report.Request{InBlob: other})
	if err != nil {
		fail(err)
	}
	again, err := first.Get()
	if err != nil {
		fail(err)
	}
	for _, each := range []struct {
		name   string
		report *report.Response
		data   []byte
	}{{"another instance", second, other}, {"the first instance", again, data}} {
		if !bytes.Contains(each.report.OutBlob, each.data) {
			fail(fmt.Errorf("%s: another's report", each.name))
		}
		fmt.Fprintf(os.Stderr, "%s: its own report\n", each.name)
	}
	if err := first.Destroy(); err != nil {
		fail(err)
	}

	// As on every kernel: these folders were never merged.
	fmt.Fprintln(os.Stderr, "rtmr:", rtmr.ExtendDigest(client, 3, make([]byte, 48)))
}
