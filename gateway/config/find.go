package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Find returns the configuration to use: given (from --config) when it is not
// empty, else $HOGAR_CONFIG, else ./hogar.yaml, else /etc/hogar/hogar.yaml. What was
// named is taken as it is; "-" is standard input.
func Find(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if named := os.Getenv("HOGAR_CONFIG"); named != "" {
		return named, nil
	}
	usual := []string{"hogar.yaml", "/etc/hogar/hogar.yaml"}
	for _, path := range usual {
		_, err := os.Stat(path)
		switch {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("look for the configuration: %w", err)
		}
	}
	return "", fmt.Errorf("no configuration: --config and $HOGAR_CONFIG are not set, and there is no ./%s; "+
		"name one with --config FILE, or copy configs/hogar.yaml and edit it", strings.Join(usual, " and no "))
}
