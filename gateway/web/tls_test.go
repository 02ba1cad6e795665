package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// renew writes a new certificate for this machine, signed by its own key, with that key.
func renew(t *testing.T, cert, key string, serial int64, written time.Time) *x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "casa"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: bytes})))
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	if err := os.Chtimes(cert, written, written); err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// The page by TLS: nothing older than 1.2, no plain HTTP, and a renewed certificate is
// used from the next connection on; half of a renewal changes nothing.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := filepath.Join(t.TempDir(), "casa.pem"), filepath.Join(t.TempDir(), "casa.key")
	now := time.Now()
	roots := x509.NewCertPool()
	roots.AddCert(renew(t, cert, key, 1, now))
	opened := make(chan string, 1)
	s := served(t, Options{Listen: "127.0.0.1:0", Host: "localhost", Cert: cert, Key: key, Opened: func(url string) { opened <- url }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	url := <-opened

	// ask asks on a connection of its own, and returns the serial number of who answered.
	ask := func(url string, most uint16) (serial int64, err error) {
		c := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: most}}}
		resp, err := c.Get(url)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		if resp.TLS == nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, resp.Status)
			return 0, nil
		}
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
	}
	if serial, err := ask(url, tls.VersionTLS12); err != nil || serial != 1 {
		t.Errorf("certificate %d, %v", serial, err)
	}
	if _, err := ask(url, tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 was taken")
	}
	if resp, err := http.Get("http" + url[len("https"):]); err == nil {
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Error("the page came without TLS")
		}
	}

	roots.AddCert(renew(t, cert, key, 2, now.Add(time.Second)))
	if serial, err := ask(url, 0); err != nil || serial != 2 {
		t.Errorf("after the renewal: certificate %d, %v", serial, err)
	}
	write(t, key, "half of a key")
	if err := os.Chtimes(cert, now.Add(2*time.Second), now.Add(2*time.Second)); err != nil {
		t.Fatal(err)
	}
	if serial, err := ask(url, 0); err != nil || serial != 2 {
		t.Errorf("while it is being renewed: certificate %d, %v", serial, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
