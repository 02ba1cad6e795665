package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// fullDisk has the gateway start on a disk without room, where it must refuse what
// comes, and go on by itself when there is room again.
func fullDisk(ctx context.Context, r *rig, f fault) error {
	r.gate.kill()
	err := r.disk.fill()
	if err == nil {
		err = r.gate.start()
	}
	if err == nil {
		sleep(ctx, f.Hold)
	}
	if err != nil {
		return err
	}
	return r.disk.free()
}

// damage flips a bit in the record of a meter, while the gateway is not running.
// That reading may be lost, and no other.
func damage(ctx context.Context, r *rig, f fault) error {
	r.gate.kill()
	if err := r.flip(f); err != nil {
		return err
	}
	sleep(ctx, f.Hold)
	return r.gate.start()
}

var noted = regexp.MustCompile(`"device":"(meter\d+)","property":"note","value":"(\d+:[0-9a-f]{8})"`)

// behind is how much of the newest data is left alone: what a process that was
// killed has written last looks like damage anyhow, and is judged by other rules.
const behind = 128 << 10

func (r *rig) flip(f fault) error {
	names, err := filepath.Glob(filepath.Join(r.gate.journal, "*.seg"))
	if err != nil || len(names) == 0 {
		return fmt.Errorf("the journal has no segments: %v", err)
	}
	slices.Sort(names)
	name := names[len(names)-1] // where there may be records that wait
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	found := noted.FindAllSubmatchIndex(data[:max(0, len(bytes.TrimRight(data, "\x00"))-behind)], -1)
	if len(found) == 0 {
		r.story.add("there is nothing to damage yet")
		return nil
	}
	chance := rand.New(rand.NewPCG(f.Arg, 2))
	at := found[len(found)-1-chance.IntN(min(len(found), 2000))]
	meter, text := string(data[at[2]:at[3]]), string(data[at[4]:at[5]])
	n := parseNote(meter, text)
	if n == 0 {
		return fmt.Errorf("the journal has %s as a note of %s", text, meter)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	offset := at[0] + chance.IntN(at[1]-at[0])
	if _, err := file.WriteAt([]byte{data[offset] ^ 1<<chance.IntN(8)}, int64(offset)); err != nil {
		return err
	}
	r.story.add("damaged %s %d, in %s at %d", meter, n, filepath.Base(name), offset)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.damaged[meter] == nil {
		r.damaged[meter] = make(map[int]bool)
	}
	r.damaged[meter][n] = true
	return nil
}
