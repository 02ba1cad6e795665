package main

import (
	"github.com/spf13/cobra"
)

func newMeasure() *cobra.Command {
	var f houseFlags
	cmd := &cobra.Command{
		Use:   "measure NAME",
		Short: "have a device measured now",
		Long: `measure has a device read at once, and prints its new readings: for what is polled
every few minutes, and is wanted now. NAME is a device or one of its properties.
Devices that tell by themselves, like contacts and plain MQTT topics, cannot be asked.`,
		Args: exactly(1),
		RunE: f.with(func(cmd *cobra.Command, house running, args []string) error {
			found, err := house.Measure(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return f.printFound(cmd, args[0], found)
		}),
	}
	f.add(cmd)
	cmd.ValidArgsFunction = f.names(false)
	return cmd
}
