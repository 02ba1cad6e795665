package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

// completeWait is how long a shell waits for names from the running gateway.
const completeWait = 2 * time.Second

type completion = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// words completes a flag that takes one of these.
func words(list ...string) completion {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// names completes an argument with the devices and properties of the running gateway;
// only those that can be set when settable is true, and then what they can be set to.
func (f *houseFlags) names(settable bool) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWait)
		defer cancel()
		house, err := f.reach(cmd)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp // nobody to be asked: nothing is completed
		}
		defer house.Close()
		switch {
		case len(args) == 0:
			found, _, err := house.Devices(ctx, "#")
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return namesOf(found, settable), cobra.ShellCompDirectiveNoFileComp
		case len(args) == 1 && settable:
			found, _, err := house.Devices(ctx, args[0])
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return valuesOf(found, args[0]), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// namesOf lists devices and their properties, with what they are.
func namesOf(found []home.DeviceState, settable bool) (names []string) {
	for _, d := range found {
		var below []string
		for _, p := range d.Properties {
			if settable && !p.Settable {
				continue
			}
			below = append(below, home.Join(d.Name, p.Name)+"\t"+string(p.Type))
		}
		if len(below) > 0 || !settable {
			names = append(names, strings.TrimSuffix(d.Name+"\t"+d.Label, "\t"))
		}
		names = append(names, below...)
	}
	return names
}

// valuesOf lists what the property of that name can be set to.
func valuesOf(found []home.DeviceState, name string) (values []string) {
	for _, d := range found {
		for _, p := range d.Properties {
			if !p.Settable || name != d.Name && name != home.Join(d.Name, p.Name) {
				continue
			}
			if p.Type == home.TypeBoolean {
				values = append(values, "on", "off", "toggle")
			}
			values = append(values, p.Options...)
		}
	}
	return values
}

// ruleNames completes the name of a rule of the running gateway.
func (f *houseFlags) ruleNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWait)
	defer cancel()
	house, err := f.reach(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer house.Close()
	rules, _, err := house.Rules(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, r := range rules {
		names = append(names, strings.TrimSuffix(r.Name+"\t"+r.Label, "\t"))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFault completes a device of the running gateway, and then a kind of fault.
func completeFault(cmd *cobra.Command, args []string, _ string) (words []string, _ cobra.ShellCompDirective) {
	var f askFlags
	f.socket, _ = cmd.Flags().GetString("socket") // the command has it
	f.gateway, _ = cmd.Flags().GetString("gateway")
	switch client, err := f.client(); {
	case len(args) == 0 && err == nil:
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWait)
		defer cancel()
		found, _ := client.Devices(ctx, "#") // nobody answers: nothing is completed
		for _, d := range found {
			if d.Kind == "" {
				words = append(words, strings.TrimSuffix(d.Name+"\t"+d.Label, "\t"))
			}
		}
	case len(args) == 1:
		for _, f := range simboard.Faults() {
			words = append(words, string(f))
		}
		words = append(words, "none")
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
