package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hogar/gateway/config"
	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// journalFlags say which journal.
type journalFlags struct {
	config, dir string
	simulate    bool
}

func (f *journalFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config, "config", "", "configuration that names the journal")
	cmd.Flags().StringVar(&f.dir, "journal", "", "folder of the journal, instead of the configuration's")
	cmd.Flags().BoolVar(&f.simulate, "simulate", false, "the journal of the simulated house")
}

// folder is where the journal is.
func (f *journalFlags) folder() (string, error) {
	if f.dir != "" {
		return f.dir, nil
	}
	path, err := config.Find(f.config)
	if err != nil {
		return "", fmt.Errorf("%w; or say --journal DIR", err)
	}
	cfg, _, _ := config.Load(path)
	if f.simulate {
		return cfg.Journal.Path + simulatedSuffix, nil
	}
	return cfg.Journal.Path, nil
}

func (f *journalFlags) look() (*journal.View, error) {
	dir, err := f.folder()
	if err != nil {
		return nil, err
	}
	return journal.Look(dir)
}

func newJournal() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "look at what the house has recorded",
		Long: `journal looks at the journal on the disk without changing it, also while the
gateway runs; repair copies it off a dying disk.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newJournalStat(), newJournalCheck(), newJournalDump(), newJournalRepair())
	return cmd
}

func newJournalStat() *cobra.Command {
	var f journalFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stat",
		Short: "how much there is, and how much waits for RabbitMQ",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := f.look()
			if err != nil {
				return err
			}
			defer v.Close()
			s, out := v.Stats(), cmd.OutOrStdout()
			checkpoint, _ := v.Checkpoint()
			if asJSON {
				return json.NewEncoder(out).Encode(map[string]any{"id": v.ID(), "first": s.First, "last": s.Last, "cursor": s.Cursor,
					"waiting": s.Depth, "checkpoint": checkpoint, "bytes": s.Bytes, "segments": s.Segments})
			}
			fmt.Fprintf(out, "journal     %s\nrecords     %d to %d\nconfirmed   up to %d\nwaiting     %d", v.ID(), s.First, s.Last, s.Cursor, s.Depth)
			if s.Oldest != 0 {
				fmt.Fprintf(out, ", the oldest of %s", time.UnixMicro(s.Oldest).Local().Format(time.DateTime))
			}
			_, err = fmt.Fprintf(out, "\ncheckpoint  at %d\non disk     %.1f MB in %s\n", checkpoint, float64(s.Bytes)/1e6, count(s.Segments, "segment", "segments"))
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newJournalCheck() *cobra.Command {
	var f journalFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "read everything and list what is damaged",
		Long: `check reads every record, lists each damaged place, and exits with 1 when there is one.
Nothing has to be done about it: the gateway steps over damage, keeps the damaged bytes
in the journal's folder quarantine/, and publishes which numbers are gone. What it has
found in an earlier run is listed, too, until you delete that folder.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := f.look()
			if err != nil {
				return err
			}
			defer v.Close()
			var records, unreadable int
			for r, err := range progressOn(cmd.ErrOrStderr()).scan(v, 0) {
				if err != nil {
					return err
				}
				records++
				if _, err := home.ParseEvent(home.Kind(r.Kind), r.Body); err != nil {
					unreadable++
				}
			}
			s, out := v.Stats(), cmd.OutOrStdout()
			fmt.Fprintf(out, "%d records are intact, %d damaged bytes, %d numbers are missing\n", records, s.Damaged, s.Missing)
			if unreadable > 0 {
				fmt.Fprintf(out, "%d records are of kinds that this version does not know\n", unreadable)
			}
			if n := v.Report().Torn; n > 0 {
				fmt.Fprintf(out, "%d bytes at the end are of a write that was never finished: nobody relies on it\n", n)
			}
			for _, g := range v.Gaps() {
				fmt.Fprintln(out, shownGap(g))
			}
			if len(v.Gaps()) > 0 {
				return errTold
			}
			return nil
		},
	}
	f.add(cmd)
	return cmd
}

// shownGap is a damaged place as check lists it.
func shownGap(g journal.Gap) string {
	lost := "no number is known to be missing"
	switch {
	case g.From > 0 && g.From == g.To:
		lost = fmt.Sprintf("number %d is missing", g.From)
	case g.From > 0:
		lost = fmt.Sprintf("numbers %d to %d are missing", g.From, g.To)
	}
	return fmt.Sprintf("  %s at byte %d: %s damaged, %s", g.File, g.Offset, count(int(g.Bytes), "byte", "bytes"), lost)
}

func newJournalDump() *cobra.Command {
	var f journalFlags
	var after uint64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "dump [PATTERN]",
		Short: "print the records",
		Long: `dump prints number, time, kind and body of each record, the oldest first; with
--json the bodies alone. PATTERN is a name, with * for one word and # for any number
of words.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := f.look()
			if err != nil {
				return err
			}
			defer v.Close()
			out := bufio.NewWriter(cmd.OutOrStdout())
			pattern := patternOf(args)
			shown := &progress{}
			if !isTerminal(cmd.OutOrStdout()) { // else the records are seen themselves
				shown = progressOn(cmd.ErrOrStderr())
			}
			for r, err := range shown.scan(v, after) {
				if err != nil {
					return err
				}
				if cmd.Context().Err() != nil {
					break
				}
				if pattern != "#" {
					ev, err := home.ParseEvent(home.Kind(r.Kind), r.Body)
					if err != nil || !home.Match(pattern, ev.FullName()) && !home.Match(pattern, ev.Device) {
						continue
					}
				}
				if !asJSON {
					fmt.Fprintf(out, "%d\t%s\t%s\t", r.Seq, time.UnixMicro(r.Time).UTC().Format(home.TimeFormat), home.Kind(r.Kind))
				}
				out.Write(r.Body)
				out.WriteByte('\n')
			}
			return out.Flush()
		},
	}
	f.add(cmd)
	cmd.Flags().Uint64Var(&after, "after", 0, "begin after the record of this number")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the bodies alone")
	return cmd
}

func newJournalRepair() *cobra.Command {
	var f journalFlags
	var to string
	cmd := &cobra.Command{
		Use:   "repair --to DIR",
		Short: "copy what can be read to another folder",
		Long: `repair copies a journal off a disk that is dying, where an ordinary copy ends at the
first bad block. The copy has the same numbers, cursor and checkpoints: name its folder
as journal.path, and the gateway goes on there, publishes which numbers are gone, and
sends what was not confirmed. Damage on a sound disk needs no repair: the gateway
steps over it by itself. Stop the gateway first.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				return usageError{errors.New("--to is missing, expected the folder of the copy")}
			}
			dir, err := f.folder()
			if err != nil {
				return err
			}
			shown := progressOn(cmd.ErrOrStderr())
			r, err := journal.Rescue(dir, to, func(r journal.Rescued) {
				shown.say(func() string {
					return fmt.Sprintf("copying: %s, %.1f MB", count(r.Files, "file", "files"), float64(r.Bytes)/1e6)
				})
			})
			shown.end()
			if errors.Is(err, journal.ErrLocked) {
				return fmt.Errorf("%w: stop the gateway first", err)
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "copied %s, %.1f MB, to %s\n", count(r.Files, "file", "files"), float64(r.Bytes)/1e6, to)
			for _, name := range r.Lost {
				fmt.Fprintf(out, "lost whole: %s\n", name)
			}
			_, err = fmt.Fprintf(out, "what is damaged in it: hogar journal check --journal %s\n", to)
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&to, "to", "", "folder of the copy; it is made")
	return cmd
}
