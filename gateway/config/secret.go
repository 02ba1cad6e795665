package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"hogar/gateway/secret"
)

// Redact shows a URL without its password. Use it wherever a URL is logged or
// told; a text that is no URL is covered whole.
func Redact(raw string) string { return secret.Show(raw) }

// Loopback reports whether the host of a URL is this machine.
func Loopback(raw string) bool {
	u, err := secret.Parse(raw)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		return ip.IsLoopback()
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Dial returns the URLs to connect to: with the password from the systemd
// credential amqp.password, else from PasswordFile, in those that name a user
// and no password, and with the files for TLS. They are for dialling only: show
// them with [Redact].
func (a AMQP) Dial() ([]string, error) {
	password, err := a.password()
	if err != nil {
		return nil, err
	}
	urls := make([]string, len(a.URLs))
	for i, raw := range a.URLs {
		u, err := secret.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("amqp url %d: %w", i, err)
		}
		if _, has := u.User.Password(); password != "" && u.User.Username() != "" && !has {
			u.User = url.UserPassword(u.User.Username(), password)
		}
		a.encrypt(u)
		urls[i] = u.String()
	}
	return urls, nil
}

// AMQPCredential is the name of the systemd credential with the password for RabbitMQ.
const AMQPCredential = "amqp.password"

func (a AMQP) password() (string, error) {
	file := a.PasswordFile
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		credential := filepath.Join(dir, AMQPCredential)
		if _, err := os.Stat(credential); err == nil {
			file = credential
		}
	}
	if file == "" {
		return "", nil
	}
	return ReadSecret(file)
}

// ReadSecret returns the first line of a file that nobody but its owner and its group may
// read; it refuses any other file. Credentials of systemd are such files.
func ReadSecret(file string) (string, error) {
	data, err := secret.Read(file)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line = strings.TrimRight(line, "\r")
	if line == "" {
		return "", fmt.Errorf("secret %s is empty", file)
	}
	return line, nil
}
