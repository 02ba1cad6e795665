package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// brokerVar hands the broker's URL to the benchmarks of bridge.
const brokerVar = "HOGAR_BENCH_AMQP"

// compile builds the test binary of a package.
func (b *bench) compile(ctx context.Context, pkg string) (string, error) {
	binary := filepath.Join(b.dir, strings.ReplaceAll(pkg, "/", "-")+".test")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./"+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the benchmarks of %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// result is one line of a benchmark.
type result struct {
	name   string
	values map[string]float64 // by unit: ns/op, msgs/s …
}

// benchmarks runs those of a test binary that fit the pattern, once, and returns
// their results and the processor time that the process took.
func (b *bench) benchmarks(ctx context.Context, binary, pattern, benchtime string) ([]result, time.Duration, error) {
	fail := func(err error, out []byte) error {
		return fmt.Errorf("benchmark %s of %s: %w\n%s", pattern, filepath.Base(binary), err, out)
	}
	cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+benchtime, "-test.benchmem")
	cmd.Env = append(os.Environ(), brokerVar+"="+b.broker, gatewayVar+"="+gatewayName, "TMPDIR="+b.dir, "CI=1") // on CI nothing is skipped
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, 0, fail(err, out)
	}
	found, err := parseResults(out)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there is none")
	}
	if err != nil {
		return nil, 0, fail(err, out)
	}
	return found, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// processors is what the testing package adds to a benchmark's name.
var processors = regexp.MustCompile(`-\d+$`)

// parseResults reads the lines of benchmarks; all others are skipped.
func parseResults(out []byte) ([]result, error) {
	var found []result
	for line := range bytes.Lines(out) {
		f := strings.Fields(string(line))
		if len(f) < 4 || len(f)%2 != 0 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		r := result{name: processors.ReplaceAllString(f[0], ""), values: make(map[string]float64)}
		for i := 2; i < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("read the line of %s: %w", r.name, err)
			}
			r.values[f[i+1]] = v
		}
		found = append(found, r)
	}
	return found, nil
}
