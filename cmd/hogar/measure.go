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
Devices that tell by themselves, like contacts and MQTT devices, cannot be asked.`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			house, err := f.reach(cmd)
			if err != nil {
				return err
			}
			defer house.Close()
			found, err := house.Measure(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			readings, err := readingsOf(args[0], found)
			if err != nil {
				return err
			}
			return printReadings(cmd, f, readings)
		},
	}
	f.add(cmd)
	return cmd
}
